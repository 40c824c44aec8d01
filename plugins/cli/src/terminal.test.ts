import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTerminal, formatDuration, formatLocal } from "./terminal.ts";

describe("createTerminal", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  const open = (isTTY: boolean) => {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
    const written = () => String(stream.read() ?? "");
    return { terminal: createTerminal(stream), written };
  };

  it("writes whole lines alone where there is no TTY, and says how long work goes on", () => {
    const { terminal, written } = open(false);
    const step = terminal.begin("dashboard build", "made once");
    vi.advanceTimersByTime(2_900);
    expect(written()).toBe("");
    vi.advanceTimersByTime(20_000);
    expect(written().split("\n").filter(Boolean)).toEqual([
      "  … dashboard build  3.0 s so far  made once",
      "  … dashboard build  13.0 s so far  made once",
    ]);
    step.done("made");
    expect(written()).toMatch(/^ {2}✓ dashboard build {2}made +22\.9 s\n$/);
    vi.advanceTimersByTime(60_000);
    expect(written()).toBe("");
  });

  it("counts in place on a TTY, and keeps other lines whole", () => {
    const { terminal, written } = open(true);
    const step = terminal.begin("scheduler");
    terminal.line("! a warning");
    expect(written()).toContain("\r\x1b[2K! a warning\n");
    step.cancel();
    written();
    vi.advanceTimersByTime(1_000);
    expect(written()).toBe("");
  });
});

it.each([
  [84.4, "84 ms"],
  [2_140, "2.1 s"],
  [65_000, "1 min 5 s"],
])("formats %s ms as %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

it("says a moment by the clock of the machine", () => {
  vi.stubEnv("TZ", "Europe/Berlin");
  expect(formatLocal("2026-07-01T23:12:33.456Z")).toBe("2026-07-02 01:12:33");
  vi.unstubAllEnvs();
});
