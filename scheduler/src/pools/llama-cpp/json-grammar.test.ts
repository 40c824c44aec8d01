import { expect, test } from "vitest";
import { jsonGrammar, literal, SchemaError } from "./json-grammar.ts";
import { readCalls, toolUse } from "./tools.ts";

const rules = (schema: unknown) => jsonGrammar(schema).split("\n");

test("required properties come first and always, the others may stay away", () => {
  const [root, a, b, c] = rules({
    type: "object",
    properties: { b: { type: "null" }, a: { type: "string" }, c: { type: "integer" } },
    required: ["a"],
  });
  expect([root, a, b, c]).toEqual([
    "root ::= r3",
    'r0 ::= "\\"a\\"" ":" ws string',
    'r1 ::= "\\"b\\"" ":" ws null',
    'r2 ::= "\\"c\\"" ":" ws integer',
  ]);
  expect(rules({ type: "object", properties: { a: true, b: true }, required: ["a"] })[3]).toBe('r2 ::= "{" ws r0 ("," ws r1)? ws "}"');
  expect(rules({ type: "object", properties: { a: true, b: true } })[3]).toBe('r2 ::= "{" ws (r0 ("," ws r1)? | r1 )? ws "}"');
});

test("a schema that contains itself becomes a rule that names itself", () => {
  const tree = { $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } } }, $ref: "#/$defs/node" };
  expect(rules(tree).slice(0, 4)).toEqual(["root ::= r0", "r0 ::= r2", 'r1 ::= "\\"next\\"" ":" ws r0', 'r2 ::= "{" ws (r1 )? ws "}"']);
});

test("bounds of lists and strings hold", () => {
  expect(jsonGrammar({ type: "array", items: { type: "null" }, minItems: 2, maxItems: 3 })).toContain(
    '"[" ws null ("," ws null){1,2} ws "]"',
  );
  expect(jsonGrammar({ type: "array", maxItems: 0 })).toContain('r0 ::= "[" ws "]"');
  expect(jsonGrammar({ type: "string", minLength: 1, maxLength: 4 })).toContain("char{1,4}");
});

test.each([
  [{ type: "object", not: {} }, '"not"'],
  [{ type: "object", properties: { a: { allOf: [{}, {}] } } }, "schema.a"],
  [{ $ref: "#/$defs/none" }, "nothing is at"],
  [{ enum: [] }, "no value"],
  [{ type: "object", propertyNames: { pattern: "^a" } }, '"propertyNames"'],
  [{ type: "date" }, '"date"'],
  [{ type: "object", required: [{}] }, '"required"'],
  [{ type: "string", minLength: 5, maxLength: 2 }, "maxLength"],
  [{ $ref: "#/%E0%A4%A" }, "nothing is at"],
])("%j is refused in words", (schema, words) => {
  expect(() => jsonGrammar(schema)).toThrow(SchemaError);
  expect(() => jsonGrammar(schema)).toThrow(words);
});

test("quotes, backslashes and line ends pass into literals", () => {
  expect(literal('a"b\\c\n')).toBe('"\\"a\\\\\\"b\\\\\\\\c\\\\n\\""');
});

test("a call that was cut off is none; those before it stay", () => {
  const whole = '{"name": "a", "arguments": {"x":1}}\n</tool_call>';
  expect(readCalls(`${whole}\n<tool_call>\n{"name": "b", "argu`)).toEqual([{ name: "a", arguments: '{"x":1}' }]);
  expect(readCalls('{"name": "b"')).toEqual([]);
});

test("one tool that was chosen is the only one the grammar knows", () => {
  const { grammar } = toolUse([{ name: "a" }, { name: "b" }], true, false, "b");
  expect(grammar).toContain('\\"b\\"');
  expect(grammar).not.toContain('\\"a\\"');
});
