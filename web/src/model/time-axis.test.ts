import { describe, expect, it } from "vitest";
import { toTimeAxis } from "./time-axis.ts";

const HOUR = 3_600_000;

describe("time axis", () => {
  it("is plain where nothing is idle", () => {
    const axis = toTimeAxis([
      { startMs: 1000, durationMs: 100 },
      { startMs: 1050, durationMs: 150 },
    ]);
    expect(axis.breaks).toEqual([]);
    expect([1000, 1100, 1200].map(axis.toFraction)).toEqual([0, 0.5, 1]);
  });

  it("leaves hours of idleness out, and says so", () => {
    const axis = toTimeAxis([
      { startMs: 0, durationMs: 10_000 },
      { startMs: 3 * HOUR, durationMs: 10_000 },
    ]);
    expect(axis.breaks).toHaveLength(1);
    expect(axis.breaks[0]?.ms).toBe(3 * HOUR - 10_000);
    expect(axis.activeMs).toBe(20_000);
    expect(axis.wallMs).toBe(3 * HOUR + 10_000);
    // both turns get the same width, and the end is the end
    expect(axis.toFraction(10_000)).toBeCloseTo(1 - axis.toFraction(3 * HOUR), 9);
    expect(axis.toFraction(3 * HOUR + 10_000)).toBeCloseTo(1, 9);
  });

  it("keeps order, and finds the time of a place", () => {
    const spans = Array.from({ length: 500 }, (_, index) => ({ startMs: index * HOUR, durationMs: 1000 + index }));
    const axis = toTimeAxis(spans);
    const fractions = spans.map((span) => axis.toFraction(span.startMs));
    expect(fractions).toEqual([...fractions].sort((left, right) => left - right));
    expect(axis.toTime(axis.toFraction(7 * HOUR + 500))).toBeCloseTo(7 * HOUR + 500, 3);
    expect(axis.toFraction(499 * HOUR + 1499)).toBeCloseTo(1, 9);
  });

  it("survives no spans and spans without length", () => {
    expect(toTimeAxis([]).toFraction(5)).toBe(0);
    expect(toTimeAxis([{ startMs: 5, durationMs: 0 }]).toFraction(5)).toBe(0);
  });
});
