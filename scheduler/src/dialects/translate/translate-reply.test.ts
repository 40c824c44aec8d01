import { describe, expect, test } from "vitest";
import type { ReplyContext } from "./context.ts";
import { createStreamTranslator } from "./stream-translator.ts";
import { BadReply, parseResponse, translateResponse } from "./translate.ts";

const CONTEXT: ReplyContext = { model: "asked", toolNames: new Map(), includeUsage: true, echo: {}, createdAt: 1_700_000_000 };

describe("usage", () => {
  test("Anthropic's input leaves out the cache, OpenAI's holds it", () => {
    const usage = {
      input_tokens: 120,
      cache_read_input_tokens: 4_000,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      output_tokens: 33,
      output_tokens_details: { thinking_tokens: 20 },
    };
    const message = { id: "msg_1", model: "c", content: [], stop_reason: "end_turn", usage };
    expect(parseResponse("anthropic-messages", message).usage).toEqual({
      input: 4_420,
      output: 33,
      cacheRead: 4_000,
      cacheWrite: 300,
      cacheWrite1h: 200,
      reasoning: 20,
    });
    expect(translateResponse("anthropic-messages", "openai-chat", message, CONTEXT).usage).toMatchObject({
      prompt_tokens: 4_420,
      completion_tokens: 33,
      total_tokens: 4_453,
      prompt_tokens_details: { cached_tokens: 4_000 },
    });
  });

  test("and the other way", () => {
    const usage = { prompt_tokens: 1_000, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 900 } };
    const completion = { id: "chatcmpl-1", model: "m", choices: [{ message: { content: "hi" }, finish_reason: "stop" }], usage };
    expect(translateResponse("openai-chat", "anthropic-messages", completion, CONTEXT).usage).toMatchObject({
      input_tokens: 100,
      cache_read_input_tokens: 900,
      output_tokens: 5,
    });
  });
});

describe("stop reasons", () => {
  const message = (stop_reason: string) => ({ id: "msg_1", model: "c", content: [{ type: "text", text: "x" }], stop_reason, usage: {} });
  test.each([
    ["end_turn", "stop", "completed"],
    ["stop_sequence", "stop", "completed"],
    ["pause_turn", "stop", "completed"],
    ["tool_use", "tool_calls", "completed"],
    ["max_tokens", "length", "incomplete"],
    ["model_context_window_exceeded", "length", "incomplete"],
    ["refusal", "content_filter", "incomplete"],
  ])("Anthropic's %s is chat's %s and a %s response", (reason, finish, status) => {
    expect(translateResponse("anthropic-messages", "openai-chat", message(reason), CONTEXT)).toMatchObject({
      choices: [{ finish_reason: finish }],
    });
    expect(translateResponse("anthropic-messages", "openai-responses", message(reason), CONTEXT)).toMatchObject({ status });
  });

  test.each([
    ["stop", "end_turn"],
    ["length", "max_tokens"],
    ["tool_calls", "tool_use"],
    ["content_filter", "refusal"],
  ])("chat's %s is Anthropic's %s", (finish, reason) => {
    const completion = { id: "x", choices: [{ message: { content: "x" }, finish_reason: finish }] };
    expect(translateResponse("openai-chat", "anthropic-messages", completion, CONTEXT)).toMatchObject({ stop_reason: reason });
  });

  test("a refusal in words stays one", () => {
    const completion = { id: "x", choices: [{ message: { content: null, refusal: "I can't." }, finish_reason: "stop" }] };
    expect(translateResponse("openai-chat", "anthropic-messages", completion, CONTEXT)).toMatchObject({
      stop_reason: "refusal",
      content: [{ type: "text", text: "I can't." }],
    });
    expect(translateResponse("openai-chat", "openai-responses", completion, CONTEXT)).toMatchObject({
      status: "completed",
      output: [{ content: [{ type: "refusal", refusal: "I can't." }] }],
    });
  });
});

test.each([
  ["openai-chat", { choices: [] }, "choices is empty"],
  ["openai-chat", { error: { message: "out of memory" } }, "out of memory"],
  ["openai-responses", { status: "failed", error: { code: "rate_limit_exceeded", message: "slow down" }, output: [] }, "slow down"],
  ["anthropic-messages", "<html>", "content must be an array"],
] as const)("%s %j is a bad reply", (from, body, message) => {
  const attempt = () => translateResponse(from, "openai-chat", body, CONTEXT);
  expect(attempt).toThrow(BadReply);
  expect(attempt).toThrow(message);
});

test("a custom tool's text that looks like our wrapping is not unwrapped where the engine knows custom tools", () => {
  const item = { type: "custom_tool_call", id: "ctc_1", call_id: "c", name: "write", input: '{"input":"x"}' };
  const context: ReplyContext = { ...CONTEXT, toolNames: new Map([["write", { name: "write", custom: true }]]) };
  const reply = translateResponse("openai-responses", "openai-chat", { id: "resp_1", status: "completed", output: [item] }, context);
  expect(reply).toMatchObject({
    choices: [{ message: { tool_calls: [{ type: "custom", custom: { name: "write", input: '{"input":"x"}' } }] } }],
  });
});

describe("streams", () => {
  const translate = (
    from: Parameters<typeof createStreamTranslator>[0],
    to: Parameters<typeof createStreamTranslator>[1],
    events: (object | string)[],
  ) => {
    const translator = createStreamTranslator(from, to, { context: CONTEXT });
    const bytes = events.map((event) => Buffer.from(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\r\n\r\n`));
    return Buffer.concat([...bytes.flatMap((chunk) => translator.push(chunk)), ...translator.end()]).toString();
  };
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: "chatcmpl-7",
    model: "m",
    created: 5,
    choices: [{ index: 0, delta, finish_reason }],
  });

  test("parallel calls whose arguments come in turns", () => {
    const call = (index: number, id: string | undefined, text: string) =>
      chunk({
        tool_calls: [{ index, ...(id && { id, type: "function" }), function: { ...(id && { name: `f${index}` }), arguments: text } }],
      });
    const out = translate("openai-chat", "anthropic-messages", [
      call(0, "a", '{"x":'),
      call(1, "b", '{"y":'),
      call(0, undefined, "1}"),
      call(1, undefined, "2}"),
      chunk({}, "tool_calls"),
      "[DONE]",
    ]);
    const deltas = [...out.matchAll(/"index":(\d),"delta":\{"type":"input_json_delta","partial_json":"((?:[^"\\]|\\.)*)"/g)];
    const inputs = [0, 1].map((index) =>
      JSON.parse(
        deltas
          .filter(([, at]) => Number(at) === index)
          .map(([, , text]) => JSON.parse(`"${text}"`))
          .join(""),
      ),
    );
    expect(inputs).toEqual([{ x: 1 }, { y: 2 }]);
  });

  test("an engine that leaves out [DONE] and says its usage last", () => {
    const out = translate("openai-chat", "anthropic-messages", [
      chunk({ content: "hi" }),
      chunk({}, "stop"),
      { choices: [], usage: { prompt_tokens: 9, completion_tokens: 1 } },
    ]);
    expect(out).toContain('"stop_reason":"end_turn"');
    expect(out).toMatch(/event: message_delta\n.*"input_tokens":9/);
    expect(out.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true);
  });

  test("an engine that sends Responses without deltas (the item is all there is)", () => {
    const item = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' };
    const out = translate("openai-responses", "openai-chat", [
      { type: "response.created", response: { id: "resp_1", model: "m" } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { status: "completed", usage: { input_tokens: 1, output_tokens: 2 } } },
    ]);
    expect(out).toContain('"arguments":"{\\"a\\":1}"');
    expect(out).toContain('"finish_reason":"tool_calls"');
    expect(out.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test.each([
    ["openai-chat", /data: \{"error":\{"message":"Overloaded","type":"server_error"/],
    ["openai-responses", /event: error\n.*\n\nevent: response.failed\ndata: .*"status":"failed".*"message":"Overloaded"/],
  ] as const)("an error of Anthropic's in the middle, for a client of %s", (to, expected) => {
    const start = { type: "message_start", message: { id: "msg_1", model: "c", usage: {} } };
    expect(
      translate("anthropic-messages", to, [start, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }]),
    ).toMatch(expected);
  });

  test("thinking after a seal is a part of its own: a signature holds for its text alone", () => {
    const think = (reasoning_content: string) => chunk({ reasoning_content });
    const sign = (signature: string) => chunk({ reasoning_details: [{ type: "reasoning.text", text: "", signature }] });
    const out = translate("openai-chat", "anthropic-messages", [
      think("A"),
      sign("s1"),
      think("B"),
      sign("s2"),
      chunk({}, "stop"),
      "[DONE]",
    ]);
    const deltas = [...out.matchAll(/"index":(\d),"delta":\{"type":"\w+","(?:thinking|signature)":"([^"]*)"/g)].map(([, at, text]) => [
      at,
      text,
    ]);
    const seal = (text: string) => `signalbox.openai-chat.plain.${text}`;
    expect(deltas).toEqual([
      ["0", "A"],
      ["0", seal("s1")],
      ["1", "B"],
      ["1", seal("s2")],
    ]);
  });

  test("the paragraphs of a summary are one text, as in the whole reply", () => {
    const delta = (text: string) => ({ type: "response.reasoning_summary_text.delta", output_index: 0, delta: text });
    const added = (summary_index: number) => ({ type: "response.reasoning_summary_part.added", output_index: 0, summary_index });
    const item = { type: "reasoning", summary: ["One.", "Two."].map((text) => ({ type: "summary_text", text })) };
    const whole = { id: "resp_1", model: "m", status: "completed", output: [item] };
    const out = translate("openai-responses", "openai-chat", [
      { type: "response.created", response: { id: "resp_1", model: "m" } },
      { type: "response.output_item.added", output_index: 0, item: { type: "reasoning", summary: [] } },
      ...[added(0), delta("One."), added(1), delta("Two.")],
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: whole },
    ]);
    const streamed = [...out.matchAll(/"reasoning_content":("[^"]*")/g)].map(([, text]) => JSON.parse(text ?? "")).join("");
    expect(streamed).toBe("One.\n\nTwo.");
    expect(translateResponse("openai-responses", "openai-chat", whole, CONTEXT)).toMatchObject({
      choices: [{ message: { reasoning_content: streamed } }],
    });
  });

  test("garbage ends the stream with an error in the client's dialect", () => {
    expect(translate("openai-chat", "anthropic-messages", [chunk({ content: "hi" }), "{not json"])).toMatch(
      /event: error\ndata: .*"api_error".*cannot be read/,
    );
  });
});
