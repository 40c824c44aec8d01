import { describe, expect, it } from "vitest";
import { epochMs, formatAgo, formatDuration, rfc3339, sessionState } from "./time.ts";

it("keeps nanoseconds of a stored time", () => {
  expect(rfc3339("2026-11-21 01:02:03.456789+00", 12)).toBe("2026-11-21T01:02:03.456789012Z");
  expect(rfc3339("2026-11-21 01:02:03+00")).toBe("2026-11-21T01:02:03.000000000Z");
  expect(rfc3339("2026-11-21 01:02:03.5+00")).toBe("2026-11-21T01:02:03.500000000Z");
});

it("reads a time back with its microseconds", () => {
  expect(epochMs("1970-01-01T00:00:01.234567000Z")).toBeCloseTo(1234.567, 6);
});

describe("durations", () => {
  it.each([
    [0.0004, "0 µs"],
    [0.84, "840 µs"],
    [4.2, "4.2 ms"],
    [840, "840 ms"],
    [1400, "1.40 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
    [3_600_000, "1 h"],
  ])("%d ms reads %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});

it("says how long ago", () =>
  expect([0, 12_000, 300_000, 7_200_000, 172_800_000].map(formatAgo)).toEqual(["now", "12 s ago", "5 min ago", "2 h ago", "2 d ago"]));

it("calls a session idle after ninety seconds without a span", () => {
  const last = "2026-11-21T00:00:00.000000000Z";
  expect(sessionState(last, Date.parse("2026-11-21T00:01:29Z"))).toBe("active");
  expect(sessionState(last, Date.parse("2026-11-21T00:01:31Z"))).toBe("idle");
});
