import fc from "fast-check";
import { expect, test } from "vitest";
import { plainValue } from "./plain-value.ts";

const read = (text: string, field = "f") => plainValue(Buffer.from(`[${text}]`), { start: 1, end: 1 + Buffer.byteLength(text) }, field);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return "no JSON";
  }
}

test("a value that is read is what JSON.parse reads", () => {
  const digits = fc.stringMatching(/^[0-9]{1,17}$/);
  const texts = fc.oneof(fc.string({ maxLength: 70 }), fc.string({ unit: "binary", maxLength: 5 })).map((text) => JSON.stringify(text));
  const raw = fc.stringMatching(/^"[ -~]{0,5}"?$/);
  fc.assert(
    fc.property(fc.oneof(digits, texts, raw, fc.double().map(String), fc.constantFrom("null", "true", "{}", "-1", "")), (text) => {
      const value = read(text);
      if (value !== undefined) expect(value).toBe(parsed(text));
    }),
    { numRuns: 5_000 },
  );
});

test("names and counts are read, the same again and others", () => {
  expect(["gpt-5", "gpt-5", "gpt-6", "", "gpt-5"].map((name) => read(JSON.stringify(name), "model"))).toEqual([
    ...["gpt-5", "gpt-5", "gpt-6", "", "gpt-5"],
  ]);
  expect(["1", "64", "999999999999999"].map((count) => read(count))).toEqual([1, 64, 999_999_999_999_999]);
});

test.each(["007", "0", "1e3", "1.5", "-1", "null", "true", '"a\\n"', '"é"', '"\u0001"', '"', '"a"b"'])(
  "%s is left to JSON.parse",
  (text) => {
    expect(read(text)).toBeUndefined();
  },
);
