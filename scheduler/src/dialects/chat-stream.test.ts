import { expect, test } from "vitest";
import { createChatStream } from "./chat-stream.ts";

const event = (value: unknown, newline = "\n") => `data: ${typeof value === "string" ? value : JSON.stringify(value)}${newline}${newline}`;
const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: "c1",
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
  usage: null,
});
const USAGE = {
  id: "c1",
  model: "m",
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } },
};

const content = (newline: string) =>
  [chunk({ role: "assistant", content: "" }), chunk({ content: 'say "usage":{} and [DONE] é' }), chunk({ content: "b" }), chunk({}, "stop")]
    .map((value) => event(value, newline))
    .join("");

function run(text: string, size: number, dropUsage: boolean) {
  const stream = createChatStream(dropUsage);
  const bytes = Buffer.from(text);
  const passed: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const out = stream.push(bytes.subarray(at, at + size));
    if (out) passed.push(out);
  }
  const rest = stream.rest();
  if (rest) passed.push(rest);
  return { stream, passed: Buffer.concat(passed).toString() };
}

test.each(["\n", "\r\n"])("however the bytes are cut, the same passes and the same is seen (lines end with %j)", (newline) => {
  const whole = content(newline) + event(USAGE, newline) + event("[DONE]", newline);
  for (const size of [1, 2, 3, 7, 64, 1000, whole.length]) {
    for (const dropUsage of [true, false]) {
      const { stream, passed } = run(whole, size, dropUsage);
      expect(passed).toBe(content(newline) + (dropUsage ? "" : event(USAGE, newline)));
      expect(stream).toMatchObject({
        done: true,
        sawContent: true,
        events: 4,
        finishReason: "stop",
        id: "c1",
        model: "m",
        usage: { input: 10, output: 2, cacheRead: 4, reasoning: 0 },
      });
    }
  }
});

test("usage that comes with the last choice is read and never taken out", () => {
  const last = event({ ...chunk({}, "stop"), usage: USAGE.usage });
  const { stream, passed } = run(last, 10, true);
  expect(passed).toBe(last);
  expect(stream.usage?.input).toBe(10);
});

test("content is seen at the event that has some, not at the opening one", () => {
  const stream = createChatStream(true);
  stream.push(Buffer.from(event(chunk({ role: "assistant", content: "" }))));
  expect(stream.sawContent).toBe(false);
  stream.push(Buffer.from(event(chunk({ tool_calls: [{ index: 0 }] }))));
  expect(stream.sawContent).toBe(true);
});

test("text that speaks of the end does not end a stream", () => {
  const talk = event(chunk({ content: "data: [DONE]" }));
  const { stream, passed } = run(talk, 1000, true);
  expect([stream.done, passed]).toEqual([false, talk]);
});

test("a stream cut off in an event passes what came", () => {
  expect(run("data: {}\n\ndata: {", 4, true).passed).toBe("data: {}\n\ndata: {");
});
