import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, compareText, least, roundTo1024th } from "./exact.ts";

describe("exact sums", () => {
  it("stay exact beyond 2^53", () => {
    const month = 2_592_000_000_000_000;
    const sum = Array.from({ length: 10_000 }, () => month).reduce<number | bigint>(add, 1);
    expect(sum).toBe(25_920_000_000_000_000_001n);
    expect(add(2, 3)).toBe(5);
  });
});

describe("the order of texts", () => {
  it("is that of their UTF-8 bytes, as Postgres' collation C", () => {
    const text = fc.string({ unit: "binary", maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2_000 },
    );
    expect(compareText("\uffee", "\u{1f600}")).toBeLessThan(0);
  });

  it("puts what is not said last", () => {
    expect([least(null, "b"), least("b", null), least("b", "a"), least(null, null)]).toEqual(["b", "b", "a", null]);
  });
});

it("rounds as Postgres does: ties to the even one", () => {
  expect([0.5, 1.5, 2.5, 2.6].map((value) => roundTo1024th(value / 1024) * 1024)).toEqual([0, 2, 2, 3]);
});
