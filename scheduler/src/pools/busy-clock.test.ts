import fc from "fast-check";
import { expect, test } from "vitest";
import { createBusyClock } from "./busy-clock.ts";

test("a call alone is charged all its time, two at once half each", () => {
  const clock = createBusyClock();
  const first = clock.begin(1_000);
  const second = clock.begin(1_100);
  expect(first(1_300)).toBeCloseTo(100 + 200 / 2);
  expect(second(1_400)).toBeCloseTo(200 / 2 + 100);
  expect(clock.busyMs(9_000)).toBe(400);
});

test("however calls overlap, their shares add up to the busy time", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_000), fc.nat(500)), { minLength: 1, maxLength: 40 }), (calls) => {
      const clock = createBusyClock();
      const events = calls.flatMap(([start, length], call) => [
        { at: start, call, end: false },
        { at: start + length, call, end: true },
      ]);
      events.sort((a, b) => a.at - b.at || Number(a.end) - Number(b.end));
      const ends = new Map<number, (now: number) => number>();
      let charged = 0;
      for (const { at, call, end } of events) {
        if (end) charged += ends.get(call)?.(at) ?? 0;
        else ends.set(call, clock.begin(at));
      }
      expect(charged).toBeCloseTo(clock.busyMs(2_000), 6);
    }),
  );
});
