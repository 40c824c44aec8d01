/** Random requests and replies in the intermediate representation, for the property tests. */

import fc from "fast-check";
import { arrange } from "../messages.ts";
import type { AssistantPart, CacheHint, DIALECTS, Message, Reply, Request, Tool, ToolResultPart, UserPart } from "../types.ts";

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: "binary" }),
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.constant('{"a":"\\n\\n"}\r\n\r\n'),
);
const id = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/);
const cache = fc.option(fc.constantFrom<CacheHint>("5m", "1h"), { nil: undefined, freq: 4 });
const base64 = fc.base64String({ minLength: 4, maxLength: 40 });
const object = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const argumentsText = object.map((value) => JSON.stringify(JSON.parse(JSON.stringify(value))));
const dialect = fc.constantFrom<(typeof DIALECTS)[number]>("openai-chat", "openai-responses", "anthropic-messages");

/** No member is undefined: the parsers leave such members out. */
const record = <T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(members).map((value) => JSON.parse(JSON.stringify(value)) as T);

const textPart = record({ kind: fc.constant("text" as const), text, cache });
const blobUrl = fc.record({ kind: fc.constant("url" as const), url: fc.webUrl() });
const image = record({
  kind: fc.constant("image" as const),
  source: fc.oneof(
    blobUrl,
    fc.record({ kind: fc.constant("base64" as const), mediaType: fc.constantFrom("image/png", "image/jpeg"), data: base64 }),
  ),
  detail: fc.option(fc.constantFrom("low", "high"), { nil: undefined }),
  cache,
});
const document = fc.oneof(
  record({
    kind: fc.constant("document" as const),
    source: fc.record({ kind: fc.constant("base64" as const), mediaType: fc.constant("application/pdf"), data: base64 }),
    name: fc.constant("paper.pdf"),
    cache,
  }),
  record({ kind: fc.constant("document" as const), source: blobUrl, cache }),
);
const seal = fc.record({ by: dialect, data: base64 });
const thinking = record({ kind: fc.constant("thinking" as const), text, seal: fc.option(seal, { nil: undefined }) });
const redacted = fc.record({
  kind: fc.constant("thinking" as const),
  text: fc.constant(""),
  seal: fc.record({ by: fc.constant("anthropic-messages" as const), data: base64, redacted: fc.constant(true as const) }),
});
const refusal = fc.record({ kind: fc.constant("refusal" as const), text });
const isTrue = fc.option(fc.constant(true as const), { nil: undefined });
const namespace = fc.option(fc.constantFrom("files", "mcp__web"), { nil: undefined, freq: 3 });
const toolCall = fc.oneof(
  { weight: 3, arbitrary: record({ kind: fc.constant("tool_call" as const), id, name, namespace, arguments: argumentsText }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("tool_call" as const), id, name, arguments: text, custom: fc.constant(true as const) }),
  },
);
const toolResult: fc.Arbitrary<ToolResultPart> = record({
  kind: fc.constant("tool_result" as const),
  callId: id,
  content: fc.array(fc.oneof(textPart, image, document), { maxLength: 3 }),
  isError: isTrue,
  custom: fc.option(fc.constant(true as const), { nil: undefined, freq: 3 }),
  cache,
});

const message: fc.Arbitrary<Message> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      role: fc.constant("user" as const),
      parts: fc.array(fc.oneof<fc.Arbitrary<UserPart>[]>(textPart, image, document, toolResult), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      role: fc.constant("assistant" as const),
      parts: fc.array(
        fc.oneof<fc.Arbitrary<AssistantPart>[]>(
          textPart.map(({ kind, text }) => ({ kind, text })),
          thinking,
          redacted,
          refusal,
          toolCall,
        ),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ role: fc.constant("system" as const), parts: fc.array(textPart, { minLength: 1, maxLength: 2 }) }) },
);

const tool: fc.Arbitrary<Tool> = fc.oneof(
  {
    weight: 3,
    arbitrary: record({
      kind: fc.constant("function" as const),
      name,
      namespace,
      description: fc.option(text, { nil: undefined }),
      parameters: object.map((properties) => ({ type: "object", properties })),
      strict: isTrue,
      cache,
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      kind: fc.constant("custom" as const),
      name,
      description: fc.option(text, { nil: undefined }),
      grammar: fc.option(fc.record({ syntax: fc.constantFrom("lark", "regex"), definition: text }), { nil: undefined }),
    }),
  },
);

const unit = fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const fields = fc.record({
  maxOutputTokens: fc.integer({ min: 16, max: 100_000 }),
  temperature: maybe(unit),
  topP: maybe(unit),
  topK: maybe(fc.nat(100)),
  seed: maybe(fc.nat()),
  frequencyPenalty: maybe(unit),
  presencePenalty: maybe(unit),
  stop: fc.array(text, { maxLength: 2 }),
  stream: fc.boolean(),
  responseFormat: maybe(
    fc.oneof(
      fc.constant({ kind: "json_object" as const }),
      record({ kind: fc.constant("json_schema" as const), name, schema: object, strict: isTrue }),
    ),
  ),
  verbosity: maybe(fc.constantFrom("low", "medium", "high")),
  metadata: maybe(fc.dictionary(name, text, { maxKeys: 2 })),
  user: maybe(name),
  promptCacheKey: maybe(id),
  cache,
});

export const anyRequest: fc.Arbitrary<Request> = fc
  .record({
    fields,
    system: fc.array(textPart, { maxLength: 3 }),
    messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    tools: fc.uniqueArray(tool, { selector: ({ name }) => name, maxLength: 4 }),
    choice: fc.constantFrom("auto" as const, "none" as const, "required" as const, "tool" as const, undefined),
    parallel: maybe(fc.boolean()),
  })
  .map(({ fields, system, messages, tools, choice, parallel }) => {
    const arranged = arrange([{ role: "system", parts: system }, { role: "user", parts: [{ kind: "text", text: "Begin." }] }, ...messages]);
    const named = tools.find((tool) => tool.kind === "function" && tool.namespace === undefined);
    const toolChoice = choice === "tool" ? named && { mode: choice, name: named.name } : choice && { mode: choice };
    // A choice says something only where there are tools, and calls in parallel only where there can be calls.
    const choices =
      tools.length > 0 && toolChoice ? { toolChoice, ...(toolChoice.mode !== "none" && { parallelToolCalls: parallel }) } : {};
    return JSON.parse(JSON.stringify({ model: "m", ...arranged, tools, ...choices, includeUsage: true, ...fields })) as Request;
  });

const count = fc.nat(10_000);
const usage = fc
  .record({ plain: count, cacheRead: count, write5m: count, cacheWrite: fc.constant(0), reasoning: count, answer: count })
  .map(({ plain, cacheRead, write5m, reasoning, answer }) => ({
    input: plain + cacheRead + write5m,
    output: answer + reasoning,
    cacheRead,
    cacheWrite: write5m,
    cacheWrite1h: 0,
    reasoning,
  }));

/** Replies as engines give them: plain tools, ended in a way that every dialect can say. */
export const anyReply: fc.Arbitrary<Reply> = fc
  .record({
    id: fc.constantFrom("chatcmpl-1a", "msg_1a", "resp_1a"),
    spoken: fc.array(fc.oneof<fc.Arbitrary<AssistantPart>[]>(fc.record({ kind: fc.constant("text" as const), text }), thinking), {
      maxLength: 4,
    }),
    calls: fc.array(record({ kind: fc.constant("tool_call" as const), id, name, arguments: argumentsText }), { maxLength: 3 }),
    cut: fc.boolean(),
    usage,
  })
  .map(({ id, spoken, calls, cut, usage }) => ({
    id,
    model: "engine-model",
    parts: [...spoken, ...calls],
    stop: cut ? ("max_tokens" as const) : calls.length > 0 ? ("tool_calls" as const) : ("end" as const),
    usage,
  }));
