import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkError, ChunkReader } from "./chunked.ts";

const hex = (bytes: number) => bytes.toString(16);
/** Pushed in pieces of so many bytes. @returns what came out, and what is left over once the end was met */
function read(text: string, size: number): { body: string; left: string | undefined } {
  const reader = new ChunkReader();
  const bytes = Buffer.from(text, "latin1");
  let body = "";
  for (let at = 0; at < bytes.length && !reader.left; at += size)
    body += reader.push(bytes.subarray(at, at + size))?.toString("latin1") ?? "";
  return { body, left: reader.left?.toString("latin1") };
}

test("however a body is cut into chunks, and these into reads, it is the same", () => {
  const chunk = fc.record({
    text: fc.string({ unit: fc.constantFrom("a", "\r", "\n", "0"), minLength: 1, maxLength: 40 }),
    size: fc.constantFrom(
      hex,
      (bytes: number) => hex(bytes).toUpperCase(),
      (bytes: number) => `000${hex(bytes)}`,
      (bytes: number) => `${hex(bytes)};name=value`,
      (bytes: number) => `${hex(bytes)} \t`,
    ),
  });
  const trailers = fc.constantFrom("", "a: b\r\n", "a: b\r\nc:\r\n");
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), trailers, fc.integer({ min: 1, max: 50 }), (chunks, trailer, size) => {
      const text = chunks.map((each) => `${each.size(each.text.length)}\r\n${each.text}\r\n`).join("");
      const { body, left } = read(`${text}0\r\n${trailer}\r\n`, size);
      expect(body).toBe(chunks.map((each) => each.text).join(""));
      expect(left).toBe("");
    }),
  );
});

test("what follows the last chunk is left over", () => {
  expect(read("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK", 1000)).toEqual({ body: "a", left: "HTTP/1.1 200 OK" });
});

test.each([
  ["no size", "\r\na\r\n"],
  ["a size that is no number", "g\r\na\r\n"],
  ["a number that begins as one", "1x\r\na\r\n"],
  ["a sign", "-1\r\na\r\n"],
  ["a prefix", "0x1\r\na\r\n"],
  ["a size that ends with a line feed alone", "1\na\r\n"],
  ["a carriage return alone", "1\r a\r\n"],
  ["a size beyond all bounds", `${"f".repeat(13)}\r\na\r\n`],
  ["more bytes than its size", "1\r\nab\r\n"],
  ["an end with a line feed alone", "1\r\na\n1\r\na\r\n"],
  ["a trailer that is none", "0\r\nno trailer\r\n\r\n"],
  ["a line of any length", `1;${"a".repeat(5_000)}\r\n`],
])("a chunk with %s is refused", (_what, text) => {
  for (const size of [1, 2, 3, 10_000]) expect(() => read(`${text}0\r\n\r\n`, size)).toThrow(ChunkError);
});
