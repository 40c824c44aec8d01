import { expect, it } from "vitest";
import { ReplyReader } from "./reply.ts";

const told = (...replies: unknown[]) => {
  const reader = new ReplyReader();
  for (const reply of replies) reader.see(reply);
  const { attributes } = { attributes: reader.attributes() };
  return {
    id: attributes["gen_ai.response.id"],
    model: attributes["gen_ai.response.model"],
    finish: attributes["gen_ai.response.finish_reasons"],
    tokens: ["input_tokens", "output_tokens", "cache_read.input_tokens", "cache_creation.input_tokens", "reasoning.output_tokens"].map(
      (name) => attributes[`gen_ai.usage.${name}`],
    ),
    message: reader.message(),
  };
};
const text = (content: string) => ({ type: "text", content });

it("OpenAI chat completions, whole: input includes what was cached", () => {
  const message = {
    content: "hello",
    tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: '{"a":1}' } }],
  };
  const usage = {
    prompt_tokens: 1_000,
    completion_tokens: 50,
    prompt_tokens_details: { cached_tokens: 800 },
    completion_tokens_details: { reasoning_tokens: 20 },
  };
  expect(told({ id: "chatcmpl-1", model: "m", choices: [{ message, finish_reason: "tool_calls" }], usage })).toEqual({
    id: "chatcmpl-1",
    model: "m",
    finish: ["tool_calls"],
    tokens: [1_000, 50, 800, undefined, 20],
    message: { role: "assistant", parts: [text("hello"), { type: "tool_call", id: "c1", name: "look", arguments: '{"a":1}' }] },
  });
});

it("OpenAI chat completions, by chunks", () => {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: "chatcmpl-1",
    model: "m",
    choices: [{ delta, finish_reason }],
  });
  const usage = { prompt_tokens: 10, completion_tokens: 2 };
  const seen = told(chunk({ content: "hel" }), chunk({ content: "lo" }), chunk({}, "stop"), {
    id: "chatcmpl-1",
    model: "m",
    choices: [],
    usage,
  });
  expect(seen).toMatchObject({ finish: ["stop"], message: { parts: [text("hello")] } });
  expect(seen.tokens.slice(0, 2)).toEqual([10, 2]);
});

it("OpenAI responses, whole and by events: what was said in deltas is not said twice", () => {
  const response = {
    id: "resp_1",
    model: "m",
    output: [
      { type: "message", content: [{ type: "output_text", text: "hello" }] },
      { type: "function_call", call_id: "c1", name: "look", arguments: "{}" },
    ],
    usage: {
      input_tokens: 100,
      output_tokens: 9,
      input_tokens_details: { cached_tokens: 60 },
      output_tokens_details: { reasoning_tokens: 4 },
    },
  };
  const whole = told(response);
  expect(whole.tokens).toEqual([100, 9, 60, undefined, 4]);
  expect(whole.message).toEqual({
    role: "assistant",
    parts: [text("hello"), { type: "tool_call", id: "c1", name: "look", arguments: "{}" }],
  });
  expect(told({ type: "response.output_text.delta", delta: "hello" }, { type: "response.completed", response })).toEqual(whole);
});

it("Anthropic messages, whole: cached tokens are added to the input", () => {
  const usage = { input_tokens: 10, cache_read_input_tokens: 900, cache_creation_input_tokens: 90, output_tokens: 7 };
  const content = [text("x"), { type: "tool_use", id: "t1", name: "Read", input: { a: 1 } }].map((one) =>
    one.type === "text" ? { type: "text", text: "hello" } : one,
  );
  expect(told({ type: "message", id: "msg_1", model: "claude", content, stop_reason: "tool_use", usage })).toEqual({
    id: "msg_1",
    model: "claude",
    finish: ["tool_use"],
    tokens: [1_000, 7, 900, 90, undefined],
    message: { role: "assistant", parts: [text("hello"), { type: "tool_call", id: "t1", name: "Read", arguments: { a: 1 } }] },
  });
});

it("Anthropic messages, by events: the last count of a kind is its count", () => {
  const usage = { input_tokens: 10, cache_read_input_tokens: 900, cache_creation_input_tokens: 0, output_tokens: 1 };
  const seen = told(
    { type: "message_start", message: { id: "msg_1", model: "claude", content: [], usage } },
    { type: "content_block_delta", delta: { type: "text_delta", text: "hello" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } },
    { type: "message_stop" },
  );
  expect(seen).toMatchObject({
    id: "msg_1",
    finish: ["end_turn"],
    tokens: [910, 7, 900, 0, undefined],
    message: { parts: [text("hello")] },
  });
});

it("says nothing of what is no reply, and never 0 for unknown", () => {
  const seen = told(undefined, null, 3, "text", [1], { usage: { prompt_tokens: "many" } }, { choices: "none" });
  expect(seen.tokens).toEqual(Array(5).fill(undefined));
  expect(seen.message).toBeUndefined();
});

it("touches nothing of a client's own class: a getter there may read a stream to its end", () => {
  class Streamed {
    get usage(): never {
      throw new Error("read");
    }
  }
  expect(told(new Streamed()).tokens).toEqual(Array(5).fill(undefined));
});

it("what the caller knows better counts", () => {
  const reader = new ReplyReader();
  reader.see({ usage: { prompt_tokens: 1, completion_tokens: 1 } });
  reader.record({ inputTokens: 500, model: "own" });
  expect(reader.attributes()).toMatchObject({
    "gen_ai.usage.input_tokens": 500,
    "gen_ai.usage.output_tokens": 1,
    "gen_ai.response.model": "own",
  });
});
