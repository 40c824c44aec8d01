import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldLine, HeadReader, NO_HEAD, NOT_WHOLE } from "./head.ts";

const MOST = 1_000;
/** Of a name that comes twice both; `no` is refused. */
const create = () =>
  new HeadReader(
    (line) => (line.startsWith("POST") ? line : undefined),
    (fields, name, value) => {
      fields[name] = name in fields ? [fields[name] ?? "", value].flat() : value;
      return name !== "no";
    },
  );

function read(reader: HeadReader<string>, text: string): object | "refused" | "not whole" {
  const end = reader.read(Buffer.from(text, "latin1"), MOST);
  if (end === NOT_WHOLE) return "not whole";
  return end === NO_HEAD ? "refused" : { start: reader.start, fields: reader.fields, end };
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
    "no: 1",
  );
  const start = fc.constantFrom("POST / HTTP/1.1", "POST /a HTTP/1.1", "POST /", "POST / HTTP/1.1\r", "GET / HTTP/1.1", "");
  const rest = fc.constantFrom("", "{}", "\r\n", "a: 1\r\n\r\n");
  const head = fc
    .tuple(start, fc.array(line, { maxLength: 4 }), rest, fc.nat(20))
    .map(([first, lines, after, missing]) =>
      `${[first, ...lines].join("\r\n")}\r\n\r\n${after}`.slice(0, missing > 10 ? undefined : -missing),
    );
  fc.assert(
    fc.property(fc.array(head, { minLength: 2, maxLength: 12 }), (heads) => {
      const reader = create();
      for (const each of heads) expect(read(reader, each)).toEqual(read(create(), each));
    }),
    { numRuns: 1_000 },
  );
});

test("a head is its lines up to the first empty one", () => {
  const text = "POST / HTTP/1.1\r\nHost:\t a b \r\nx-y:\r\n\r\nbody: 1\r\n\r\n";
  const head = {
    start: "POST / HTTP/1.1",
    fields: { host: "a b", "x-y": "" },
    end: text.indexOf("body"),
  };
  const reader = create();
  expect(read(reader, text)).toEqual(head);
  for (let length = 0; length < head.end; length++) {
    expect(read(create(), text.slice(0, length))).toBe("not whole");
    expect(read(reader, text.slice(0, length))).toBe("not whole");
  }
  expect(read(reader, text)).toEqual(head);
});

test("a line that goes on where the one before it ended is another", () => {
  const reader = create();
  expect(read(reader, "POST / HTTP/1.1\r\nhost: a\r\nlength: 1\r\n\r\n")).toMatchObject({ fields: { host: "a", length: "1" } });
  expect(read(reader, "POST / HTTP/1.1\r\nhost: ab\r\nlength: 12\r\n\r\n")).toMatchObject({ fields: { host: "ab", length: "12" } });
  for (const bad of ["\nx: y", "\rx: y", "\r", "\u0000"])
    expect(read(reader, `POST / HTTP/1.1\r\nhost: ab${bad}\r\nlength: 12\r\n\r\n`)).toBe("refused");
});

test("what is done to the fields of one head is not seen in the next", () => {
  const reader = create();
  const head = "POST / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n";
  for (let round = 0; round < 3; round++) {
    expect(read(reader, head)).toMatchObject({ fields: { a: "1", b: "2" } });
    reader.fields.a = "3";
    delete reader.fields.b;
  }
});

test("of a head of very many lines all are read, and the next one too", () => {
  const reader = create();
  const many = Array.from({ length: 100 }, (_, index) => `a${index}: 1`);
  for (const lines of [many, many.slice(0, 3), many, ["b: 1"]]) {
    const fields = Object.fromEntries(lines.map((line) => line.split(": ")));
    expect(read(reader, `POST / HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`)).toMatchObject({ fields });
    expect(Object.keys(reader.fields)).toHaveLength(lines.length);
  }
});

test("a head has an end to its length, whatever was read before", () => {
  const reader = create();
  const head = (length: number) => `POST / HTTP/1.1\r\na: ${"1".repeat(length - "POST / HTTP/1.1\r\na: ".length)}`;
  for (let round = 0; round < 2; round++) {
    expect(read(reader, `${head(MOST)}\r\n\r\n`)).toMatchObject({ end: MOST + 4 });
    expect(read(reader, `${head(MOST + 1)}\r\n\r\n`)).toBe("not whole");
    expect(read(reader, `${head(MOST + 2)}\r\n\r\n`)).toBe("not whole");
  }
});

test("a line that was written well says nothing of another value of its name", () => {
  expect(fieldLine("x-a", "1")).toBe("x-a: 1\r\n");
  for (const value of ["1\r\nx-b: 2", "1\n", "Ċ", "\u007f"]) expect(() => fieldLine("x-a", value)).toThrow(TypeError);
  expect([fieldLine("x-a", "2"), fieldLine("x-a", "2"), fieldLine("x-a", "1")]).toEqual(["x-a: 2\r\n", "x-a: 2\r\n", "x-a: 1\r\n"]);
  for (const name of ["x a", "x:a", "", "x\r\na"]) expect(() => fieldLine(name, "1")).toThrow(TypeError);
});

test("a name whose value is always another is checked and written as at first", () => {
  for (let id = 0; id < 200; id++) {
    expect(fieldLine("x-id", `${id}`)).toBe(`x-id: ${id}\r\n`);
    expect(() => fieldLine("x-id", `${id}\r\n`)).toThrow(TypeError);
  }
  expect([fieldLine("x-id", "1"), fieldLine("x-id", "1"), fieldLine("x-id", "2")]).toEqual(["x-id: 1\r\n", "x-id: 1\r\n", "x-id: 2\r\n"]);
});
