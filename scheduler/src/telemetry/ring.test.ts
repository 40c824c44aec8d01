import { expect, test } from "vitest";
import { createRing } from "./ring.ts";

test("items come out in order, around the end of the buffer; a full ring counts what it refuses", () => {
  const ring = createRing<number>(3);
  const taken: number[] = [];
  for (let item = 0; item < 10; item++) {
    ring.push(item);
    if (item % 2 === 1) taken.push(...ring.take(2));
  }
  expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (let item = 0; item < 5; item++) expect(ring.push(item)).toBe(item < 3);
  expect(ring).toMatchObject({ size: 3, dropped: 2 });
  expect(ring.take(10)).toEqual([0, 1, 2]);
});

test("a write takes less than a microsecond", () => {
  const ring = createRing<object>(1 << 20);
  const item = {};
  const startedAt = performance.now();
  for (let count = 0; count < 1 << 20; count++) ring.push(item);
  expect(((performance.now() - startedAt) * 1000) / (1 << 20)).toBeLessThan(1);
});
