import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firing, type Point, silences, windowIntervals } from "./episodes.ts";

const spawn = (at: number): Point => ({ at, count: 1, of: 1 });

describe("windowIntervals", () => {
  it("holds from the point that crosses until enough have left the window", () => {
    const points = [0, 10, 20, 30].map(spawn);
    expect(windowIntervals(points, { windowMicros: 60, threshold: 2, shareOfAtLeast: null })).toEqual([{ start: 20, end: 70, peak: 4 }]);
  });

  it("does not count what is a whole window apart", () => {
    expect(windowIntervals([0, 60].map(spawn), { windowMicros: 60, threshold: 1, shareOfAtLeast: null })).toEqual([]);
    expect(windowIntervals([0, 59].map(spawn), { windowMicros: 60, threshold: 1, shareOfAtLeast: null })).toHaveLength(1);
  });

  it("takes no share of too few", () => {
    const points = [
      { at: 0, count: 1, of: 1 },
      { at: 10, count: 1, of: 3 },
      { at: 20, count: 0, of: 4 },
    ];
    expect(windowIntervals(points, { windowMicros: 100, threshold: 0.4, shareOfAtLeast: 4 })).toEqual([{ start: 10, end: 20, peak: 0.5 }]);
  });

  it("says at every moment what a recount says", () => {
    const point = fc.record({ at: fc.integer({ min: 0, max: 60 }), count: fc.integer({ min: 0, max: 3 }), of: fc.constant(3) });
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 12 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 9 }),
        (given, windowMicros, threshold) => {
          const points = [...given].sort((a, b) => a.at - b.at);
          const intervals = windowIntervals(points, { windowMicros, threshold, shareOfAtLeast: null });
          for (let now = 0; now <= 100; now++) {
            const sum = points.reduce((all, { at, count }) => (at <= now && now < at + windowMicros ? all + count : all), 0);
            const holds = intervals.some(({ start, end }) => start <= now && (end === null || now < end));
            expect(holds).toBe(sum > threshold);
          }
        },
      ),
    );
  });
});

describe("firing", () => {
  const held = [
    { start: 0, end: 10, peak: 1 },
    { start: 15, end: 40, peak: 3 },
    { start: 100, end: null, peak: 2 },
  ];

  it("is one alert while the condition comes back in time", () => {
    expect(firing(held, 0, 5)).toEqual([
      { start: 0, end: 45, peak: 3 },
      { start: 100, end: null, peak: 2 },
    ]);
  });

  it("waits until the condition has held long enough", () => {
    expect(firing(held, 20, 5)).toEqual([
      { start: 35, end: 45, peak: 3 },
      { start: 120, end: null, peak: 2 },
    ]);
  });
});

it("silence begins when the quiet has lasted, and ends with the next activity; before the first there is none", () => {
  const activity = [
    { start: 0, end: 5 },
    { start: 3, end: 20 },
    { start: 90, end: 91 },
  ];
  expect(silences(activity, 60)).toEqual([
    { start: 80, end: 90, peak: 70 / 1e6 },
    { start: 151, end: null, peak: 60 / 1e6 },
  ]);
  expect(silences([], 60)).toEqual([]);
});
