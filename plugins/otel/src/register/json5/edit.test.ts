import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendItem, getValue, removeItem, removeValue, setValue } from "./edit.ts";
import { Json5Error, parseJson5, plainValue } from "./parse.ts";

const parsed = (source: string) => plainValue(parseJson5(source));

describe("parse", () => {
  it("reads what JSON5 adds to JSON", () => {
    const source = `\ufeff// head
    { unquoted: 'single', "double": "d", $a_1: [1, .5, 5., +3, -0x1F, 1e3,], /* in */ n: null,
      t: true, esc: 'a\\'b\\x41\\u00e9\\
tail', inf: -Infinity, } // tail`;
    expect(parsed(source)).toEqual({
      unquoted: "single",
      double: "d",
      $a_1: [1, 0.5, 5, 3, -31, 1000],
      n: null,
      t: true,
      esc: "a'bAétail",
      inf: Number.NEGATIVE_INFINITY,
    });
  });

  it.each([
    ["", /expected a value, found end of file at line 1, column 1/],
    ["{", /expected a key, found end of file/],
    ['{\n  "a": 1\n  "b": 2\n}', /expected "," or "}", found "\\"" at line 3, column 3/],
    ["{a 1}", /expected ":" after "a"/],
    ["{'a: 1}", /string without an end/],
    ["{} x", /expected the end/],
    ["/* {}", /comment without an end/],
    ["[1,,2]", /expected a value/],
    ["{a: truex}", /expected a value/],
    ["[".repeat(300), /levels/],
  ])("refuses %j and says where", (source, message) => {
    expect(() => parseJson5(source)).toThrow(Json5Error);
    expect(() => parseJson5(source)).toThrow(message);
  });

  it("reads all JSON as JSON.parse does, __proto__ included", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const source of [JSON.stringify(value), JSON.stringify(value, null, 2)]) expect(parsed(source)).toEqual(JSON.parse(source));
      }),
    );
    expect(Object.hasOwn(parsed('{"__proto__": 1}') as object, "__proto__")).toBe(true);
  });
});

const COMMENTED = `{
  // where I listen
  gateway: { mode: 'local', port: 18789 },
  "agents": {
    "defaults": {
      "model": "a/b", // my favourite
    },
    /* nothing more */
  },
  "plugins": {}, "list": ["x"] // end
}
`;

describe("setValue", () => {
  it("replaces a value and nothing else", () => {
    expect(setValue(COMMENTED, ["agents", "defaults", "model"], "c/d")).toBe(COMMENTED.replace('"a/b"', '"c/d"'));
  });

  it("adds after the last member, comments kept", () => {
    expect(setValue(COMMENTED, ["agents", "defaults", "x"], 1)).toBe(
      COMMENTED.replace('"a/b", // my favourite\n', '"a/b", // my favourite\n      "x": 1\n'),
    );
    expect(setValue(COMMENTED, ["new"], { a: [1] })).toBe(
      COMMENTED.replace('["x"] // end\n', '["x"], // end\n  "new": {\n    "a": [\n      1\n    ]\n  }\n'),
    );
    expect(setValue(COMMENTED, ["gateway", "bind"], "loopback")).toBe(COMMENTED.replace("18789 }", '18789, "bind": "loopback" }'));
    expect(setValue(COMMENTED, ["plugins", "load", "paths"], ["p"])).toContain(
      '"plugins": {\n    "load": {\n      "paths": [\n        "p"\n      ]\n    }\n  }, "list"',
    );
  });

  it("keeps tabs and CRLF", () => {
    const source = '{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}\r\n';
    expect(setValue(source, ["a", "c"], [2])).toBe('{\r\n\t"a": {\r\n\t\t"b": 1,\r\n\t\t"c": [\r\n\t\t\t2\r\n\t\t]\r\n\t}\r\n}\r\n');
  });

  it("starts from nothing", () => {
    expect(setValue("{}", ["a", "b"], 1)).toBe('{\n  "a": {\n    "b": 1\n  }\n}');
    expect(setValue("{ // note\n}", ["a"], 1)).toBe('{ // note\n  "a": 1\n}');
  });

  it("refuses to go through what is no object", () => {
    expect(() => setValue(COMMENTED, ["list", "a"], 1)).toThrow(/list is not an object/);
    expect(() => setValue("[]", ["a"], 1)).toThrow(/the file is not an object/);
  });
});

it("appends to and removes from lists", () => {
  expect(appendItem(COMMENTED, ["list"], "y")).toBe(COMMENTED.replace('["x"]', '["x", "y"]'));
  expect(removeItem(appendItem(COMMENTED, ["list"], "y"), ["list"], "y")).toBe(COMMENTED);
  expect(removeItem(COMMENTED, ["list"], "z")).toBe(COMMENTED);
  expect(() => appendItem(COMMENTED, ["gateway"], 1)).toThrow(/gateway is not a list/);
});

describe("removeValue", () => {
  it("takes out what setValue put in, wherever", () => {
    for (const path of [["new"], ["gateway", "bind"], ["agents", "x"], ["agents", "defaults", "y"]]) {
      const changed = setValue(COMMENTED, path, { deep: [1, 2] });
      expect(getValue(changed, path)).toEqual({ deep: [1, 2] });
      expect(parsed(removeValue(changed, path))).toEqual(parsed(COMMENTED));
    }
    expect(removeValue(COMMENTED, ["no", "such"])).toBe(COMMENTED);
  });

  it("strict JSON stays strict JSON", () => {
    const key = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.jsonValue()),
        key,
        fc.jsonValue(),
        fc.constantFrom(undefined, 2, "\t"),
        (object, name, value, indent) => {
          const source = JSON.stringify(object, null, indent);
          const set = setValue(source, [name], value);
          // By way of JSON, which has no -0.
          expect(JSON.parse(set)).toEqual(JSON.parse(JSON.stringify({ ...object, [name]: value })));
          const { [name]: _, ...rest } = object;
          expect(JSON.parse(removeValue(set, [name]))).toEqual(JSON.parse(JSON.stringify(rest)));
        },
      ),
    );
  });
});
