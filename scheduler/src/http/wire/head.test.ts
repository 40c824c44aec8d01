import fc from "fast-check";
import { expect, test } from "vitest";
import { FieldReader, fieldLine } from "./head.ts";

/** @returns the fields, or "refused" */
function read(reader: FieldReader, head: string): [string, string][] | "refused" {
  const fields: [string, string][] = [];
  const whole = reader.read(head, (name, value) => {
    fields.push([name, value]);
    return true;
  });
  return whole ? fields : "refused";
}

test("whatever heads a connection brought before, a head is read as if it were the first", () => {
  // Few, so that most stand in the head before; some begin like others, and some are no fields.
  const line = fc.constantFrom(
    "a: 1",
    "a: 12",
    "a: 1\r",
    "a: 1\n",
    "a: 1\rx: 2",
    "A: 1",
    "a:\t1 ",
    "ab: 1",
    "a",
    "",
    "b: x",
    "b: x:y",
    "b : x",
    "c:",
  );
  const head = fc.array(line, { maxLength: 6 }).map((lines) => ["POST / HTTP/1.1", ...lines].join("\r\n"));
  fc.assert(
    fc.property(fc.array(head, { minLength: 2, maxLength: 12 }), (heads) => {
      const reader = new FieldReader();
      for (const each of heads) expect(read(reader, each)).toEqual(read(new FieldReader(), each));
    }),
    { numRuns: 1_000 },
  );
});

test("a line that goes on where the one before it ended is another", () => {
  const reader = new FieldReader();
  expect(read(reader, "POST / HTTP/1.1\r\nhost: a\r\nlength: 1")).toEqual([
    ["host", "a"],
    ["length", "1"],
  ]);
  expect(read(reader, "POST / HTTP/1.1\r\nhost: ab\r\nlength: 12")).toEqual([
    ["host", "ab"],
    ["length", "12"],
  ]);
  for (const bad of ["\nx: y", "\rx: y", "\r", "\u0000"])
    expect(read(reader, `POST / HTTP/1.1\r\nhost: ab${bad}\r\nlength: 12`)).toBe("refused");
});

test("a line that was written well says nothing of another value of its name", () => {
  expect(fieldLine("x-a", "1")).toBe("x-a: 1\r\n");
  for (const value of ["1\r\nx-b: 2", "1\n", "Ċ", "\u007f"]) expect(() => fieldLine("x-a", value)).toThrow(TypeError);
  expect([fieldLine("x-a", "2"), fieldLine("x-a", "2"), fieldLine("x-a", "1")]).toEqual(["x-a: 2\r\n", "x-a: 2\r\n", "x-a: 1\r\n"]);
  for (const name of ["x a", "x:a", "", "x\r\na"]) expect(() => fieldLine(name, "1")).toThrow(TypeError);
});
