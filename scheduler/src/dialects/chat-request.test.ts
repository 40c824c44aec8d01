import { expect, test } from "vitest";
import { bodyFor, lastUserText, scanChatRequest } from "./chat-request.ts";

const scan = (body: object) => scanChatRequest(Buffer.from(JSON.stringify(body)));
const MESSAGES = [{ role: "user", content: "hello" }];

test("what routing needs is read", () => {
  const request = scan({
    model: "auto",
    messages: MESSAGES,
    stream: true,
    max_tokens: 5,
    max_completion_tokens: 7,
    stream_options: { include_usage: true },
    prompt_cache_key: "session-1",
    metadata: { user_id: "ann" },
  });
  expect(request).toMatchObject({ model: "auto", stream: true, maxTokens: 7, wantsUsage: true, promptCacheKey: "session-1", user: "ann" });
  expect(request.promptBytes).toBe(JSON.stringify(MESSAGES).length);
});

test.each([
  [{ messages: MESSAGES }, "model"],
  [{ model: 3, messages: MESSAGES }, "model"],
  [{ model: "a" }, "messages"],
  [{ model: "a", messages: "hello" }, "messages"],
  [{ model: "a", messages: MESSAGES, max_tokens: "5" }, "max_tokens"],
  [{ model: "a", messages: MESSAGES, stream: 1 }, "stream"],
])("%j is refused, naming %s", (body, param) => {
  expect(() => scan(body)).toThrow(expect.objectContaining({ status: 400, param }));
});

test("a body that is nested too deeply is told so, and not that it is no JSON", () => {
  const deep = `{"model":"a","messages":[],"x":${"[".repeat(2_000)}${"]".repeat(2_000)}}`;
  const message = "the body is nested deeper than 1000 levels at byte 1031";
  expect(() => scanChatRequest(Buffer.from(deep))).toThrow(expect.objectContaining({ status: 400, message }));
});

test("bytes that need no edit are the client's own", () => {
  const request = scan({ model: "qwen", messages: MESSAGES });
  expect(bodyFor(request, { model: "qwen" })).toBe(request.body);
});

test.each([
  ["nothing", {}],
  ["null", { stream_options: null }],
  ["false", { stream_options: { include_usage: false, other: 1 } }],
  ["an empty object", { stream_options: {} }],
])("a stream without usage (%s) gets it, and the model's name is replaced where it stands", (_what, options) => {
  const body = { messages: MESSAGES, model: "auto", note: '"model": "auto"', stream: true, ...options };
  const sent = JSON.parse(bodyFor(scan(body), { model: "qwen" }).toString());
  const { stream_options, ...rest } = sent;
  expect(stream_options).toEqual({ ...("stream_options" in options ? options.stream_options : {}), include_usage: true });
  expect(rest).toEqual({ messages: MESSAGES, model: "qwen", note: '"model": "auto"', stream: true });
});

test("the last user message is found in both forms of content", () => {
  const messages = [
    ...MESSAGES,
    { role: "user", content: [{ type: "text", text: "one" }, { type: "image_url" }] },
    { role: "assistant", content: "two" },
  ];
  expect(lastUserText(scan({ model: "a", messages }))).toBe("one\n");
});

test("a ceiling below the floor is raised, and tools are left out where the pool takes none; the rest stays byte for byte", () => {
  const body = Buffer.from(`{"model": "m", "max_tokens": 20, "tools":[{"type":"function"}],"x":  1, "tool_choice":"auto", "messages": []}`);
  const sent = bodyFor(scanChatRequest(body), { model: "m", maxTokensFloor: 500, withoutTools: true }).toString();
  expect(sent).toBe(`{"model": "m", "max_tokens": 500, "tools":null,"x":  1, "tool_choice":null, "messages": []}`);
  const enough = Buffer.from('{"model":"m","max_tokens":600,"messages":[]}');
  expect(bodyFor(scanChatRequest(enough), { model: "m", maxTokensFloor: 500 })).toBe(enough);
});
