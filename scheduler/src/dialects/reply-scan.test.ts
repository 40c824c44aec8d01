import fc from "fast-check";
import { expect, test } from "vitest";
import { readReply } from "./chat-usage.ts";
import { scanReply } from "./reply-scan.ts";

/** Names that count, and two that do not, at any depth. */
const NAMES =
  "id model usage choices finish_reason prompt_tokens completion_tokens prompt_tokens_details completion_tokens_details cached_tokens reasoning_tokens prompt_cache_hit_tokens content __proto__";
/** Mostly of the first: one that is not read is enough for a reply to be left. */
const mostly = (first: fc.Arbitrary<string>, second: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 30, arbitrary: first }, { weight: 1, arbitrary: second });
const names = mostly(fc.constantFrom(...NAMES.split(" ")), fc.constantFrom("ïd", "i\\u0064", "\\u0075sage"));
const SPACE = fc.constantFrom("", "", "", " ", "\n\t", "\r\n");
const literals = mostly(
  fc.constantFrom("null", "0", "7", "29", "99999999"),
  fc.constantFrom("true", "1.0", "-1", "-0", "1e3", "01", "100000000", "12345678901234567890", "nul", "-"),
);
const texts = mostly(
  fc.constantFrom('"stop"', '""', '"length"'),
  fc.oneof(
    fc.constantFrom('"a\\"b"', '"\\u0041"', '"\\u00g1"', '"\\x"', '"é"', '"{\\"usage\\":{\\"prompt_tokens\\":1}}"', '"\n"', '"open'),
    fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
  ),
);
/** JSON as it may come: names twice, in any order, with spaces; and now and then what is no JSON. */
const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, literals, texts, tie("object"), tie("array")),
  object: fc
    .array(fc.tuple(SPACE, names, SPACE, tie("value"), SPACE), { maxLength: 5 })
    .map((fields) => `{${fields.map(([a, name, b, value, c]) => `${a}"${name}"${b}:${value}${c}`).join(",")}}`),
  array: fc.array(fc.tuple(SPACE, tie("value")), { maxLength: 3 }).map((items) => `[${items.map((item) => item.join("")).join(",")}]`),
}));
const details = fc.tuple(literals, literals).map(([a, b]) => `{"cached_tokens":${a},"reasoning_tokens":${b}}`);
const usage = fc
  .tuple(literals, literals, mostly(details, value), mostly(details, value), literals)
  .map(([input, output, prompt, completion, hit]) =>
    [
      ...[`{"prompt_tokens":${input},"completion_tokens":${output},"prompt_tokens_details":${prompt}`],
      ...[`"completion_tokens_details":${completion},"prompt_cache_hit_tokens":${hit}}`],
    ].join(","),
  );
const reply = fc
  .tuple(texts, texts, mostly(texts, literals), value, mostly(usage, value), mostly(usage, value))
  .map(
    ([id, model, reason, message, first, last]) =>
      `{"id":${id},"usage":${first},"model":${model},"choices":[{"message":${message},"finish_reason":${reason}},${message}],"usage":${last}}`,
  );
/** One byte is another. */
const damage = fc.tuple(fc.nat(400), fc.constantFrom("", '"', "\\", ",", "}", "\x01", " ", "0"));

test("what is read of a reply is what JSON.parse finds in it, and nothing where that finds no JSON", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(reply, reply, value), fc.option(damage, { freq: 1 }), (text, harm) => {
      const [at, instead] = harm ?? [0, text.slice(0, 1)];
      const body = Buffer.from(text.slice(0, at) + instead + text.slice(at + 1));
      const found = scanReply(body);
      if (!found) return;
      read++;
      expect(() => JSON.parse(body.toString())).not.toThrow();
      expect(found).toEqual(readReply(body.toString()));
    }),
    { numRuns: 10_000 },
  );
  expect(read).toBeGreaterThan(2_000);
});

test("bytes that are no UTF-8 are as they are in a text", () => {
  const [before, after] = ['{"id":"a","x":"', '","usage":{"prompt_tokens":1,"completion_tokens":2}}'].map((text) => Buffer.from(text));
  for (const bytes of [[0xc3], [0xe2, 0x82], [0xff], [0xf0, 0x9f]]) {
    const body = Buffer.concat([before as Buffer, Buffer.from(bytes), after as Buffer]);
    expect(scanReply(body)).toEqual(readReply(body.toString()));
  }
});

test("a reply as engines send it is read here, with spaces or without", () => {
  const reply = {
    id: "chatcmpl-1",
    model: "m",
    choices: [
      { index: 0, message: { role: "assistant", content: 'He said: "\u2028 {\\"usage\\"}"\n' }, logprobs: null, finish_reason: "stop" },
    ],
    usage: {
      prompt_tokens: 20,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 3 },
    },
  };
  const facts = { id: "chatcmpl-1", model: "m", finishReason: "stop", usage: { input: 20, output: 9, cacheRead: 4, reasoning: 3 } };
  for (const indent of [undefined, 2, "\t"]) expect(scanReply(Buffer.from(JSON.stringify(reply, null, indent)))).toEqual(facts);
});

test.each([
  '{"choices":[{"finish_reason":"stop"}],"choices":[]}',
  '{"id":"a","id":null,"usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens":null}}',
  '{"usage":{"prompt_tokens":298766318998586747135258,"completion_tokens":2}}',
])("%s says what JSON.parse finds in it", (text) => {
  const body = Buffer.from(text);
  expect(scanReply(body) ?? readReply(text)).toEqual(readReply(text));
});

test.each([
  ["an escape in a name", '{"\\u0069d":"a"}'],
  ["a number that is not plain", '{"usage":{"prompt_tokens":1e1,"completion_tokens":2}}'],
  ["a list in place of an object", '{"usage":[]}'],
  ["choices by name", '{"choices":{"0":{"finish_reason":"stop"}}}'],
  ["bytes after its end", '{"id":"a"}x'],
  ["a zero before a number", '{"a":01}'],
  ["a line end within a text", '{"a":"\n"}'],
  ["a comma too many", '{"a":1,}'],
  ["an escape that is none", '{"a":"\\u12"}'],
  ["depth", `{"a":${"[".repeat(50)}${"]".repeat(50)}}`],
])("%s is left to JSON.parse", (_what, text) => {
  expect(scanReply(Buffer.from(text))).toBeUndefined();
});
