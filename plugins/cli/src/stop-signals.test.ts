import { afterEach, expect, it } from "vitest";
import { onStopSignals } from "./stop-signals.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
afterEach(() => {
  for (const signal of SIGNALS)
    for (const listener of process.listeners(signal)) if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
});

it("takes the copies of one Ctrl-C, from terminal, npm and launcher, as one", () => {
  let now = 0;
  const seen: number[] = [];
  onStopSignals(
    (times) => seen.push(times),
    () => now,
  );
  process.emit("SIGINT");
  now = 30;
  process.emit("SIGINT");
  process.emit("SIGTERM");
  expect(seen).toEqual([1]);
  now = 900;
  process.emit("SIGINT");
  expect(seen).toEqual([1, 2]);
});
