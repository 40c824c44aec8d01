import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonScanError, MAX_DEPTH, scanObject } from "./json-scan.ts";

/** Large bodies are read otherwise than small ones. */
const LARGE = " ".repeat(4096);

test("the spans of any object are the values that JSON.parse finds", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.jsonValue()),
      fc.constantFrom(undefined, 2, "\t"),
      fc.constantFrom("", LARGE),
      (object, indent, before) => {
        const body = Buffer.from(before + JSON.stringify(object, null, indent));
        const found = [...scanObject(body)].map(([key, { start, end }]) => [key, JSON.parse(body.toString("utf8", start, end))]);
        expect(Object.fromEntries(found)).toEqual(JSON.parse(body.toString()));
      },
    ),
  );
});

test("long strings with quotes and backslashes at their ends are jumped over whole", () => {
  for (const tail of ['"', "\\", '\\"', '\\\\"', "é\u2028"]) {
    const body = Buffer.from(JSON.stringify({ a: "x".repeat(5_000) + tail, b: 1 }));
    expect(scanObject(body).get("b")).toEqual({ start: body.length - 2, end: body.length - 1 });
  }
});

test("what is nested too deeply is refused, and what is not is read", () => {
  const nested = (depth: number, open: string, close: string) => `{"a":${open.repeat(depth)}1${close.repeat(depth)},"b":2}`;
  for (const [open, close] of [
    ["[", "]"],
    ['{"x":', "}"],
  ] as const)
    for (const before of ["", LARGE]) {
      const scan = (depth: number) => scanObject(Buffer.from(before + nested(depth, open, close)));
      expect(scan(MAX_DEPTH).has("b")).toBe(true);
      expect(() => scan(MAX_DEPTH + 1)).toThrow("nested deeper than 1000 levels");
    }
});

test("of a key that comes twice the last counts", () => {
  expect(scanObject(Buffer.from('{"a":1,"a":22}')).get("a")).toEqual({ start: 11, end: 13 });
});

test.each([
  "",
  "[]",
  "{",
  '{"a"',
  '{"a":}',
  '{"a":1,}',
  '{"a":[}',
  '{"a":[1}',
  '{"a":[1}}',
  '{"a":"x',
  '{"a":tru}',
  "{a:1}",
  '{"a":1 "b":2}',
])("%j is refused with its place", (text) => {
  for (const before of ["", LARGE]) expect(() => scanObject(Buffer.from(before + text))).toThrow(JsonScanError);
});
