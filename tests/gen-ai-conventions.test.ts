import { expect, it } from "vitest";
import { genAiProblems, type ValidatedSpan } from "./support/gen-ai-conventions.ts";

const CHAT: ValidatedSpan = {
  name: "chat qwen",
  kind: 3,
  failed: false,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "qwen",
    "gen_ai.conversation.id": "s1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 80,
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hello"}]}]',
  },
};
const without = (...names: string[]) => ({
  ...CHAT,
  attributes: Object.fromEntries(Object.entries(CHAT.attributes).filter(([name]) => !names.includes(name))),
});
const given = (attributes: Record<string, unknown>, span: Partial<ValidatedSpan> = {}) => ({
  ...CHAT,
  ...span,
  attributes: { ...CHAT.attributes, ...attributes },
});

it("finds nothing wrong with a span that is right", () => expect(genAiProblems(CHAT)).toEqual([]));

it.each([
  [given({}, { name: "openai.chat" }), "its name is not chat qwen"],
  [given({}, { kind: 2 }), "its kind is 2"],
  [without("gen_ai.provider.name"), "gen_ai.provider.name is required"],
  [without("gen_ai.conversation.id"), "gen_ai.conversation.id is required where it is known"],
  [without("gen_ai.operation.name"), "without gen_ai.operation.name"],
  [given({ "gen_ai.operation.name": "talk" }), "neither of the conventions nor one of ours"],
  [given({}, { failed: true }), "no error.type"],
  [given({ "gen_ai.usage.input_tokens": "100" }), "is no int"],
  [given({ "gen_ai.response.finish_reasons": "stop" }), "is no string[]"],
  [given({ "gen_ai.input.messages": '[{"role":"user","content":"hello"}]' }), "is no messages"],
  [given({ "gen_ai.output.type": "xml" }), "has no value xml"],
  [given({ "gen_ai.system": "openai" }), "is no attribute of the conventions"],
  [given({ "gen_ai.usage.cache_creation.input_tokens": 30 }), "is more than gen_ai.usage.input_tokens"],
  [given({ "server.address": "h" }), "without server.port"],
])("%#: %s", (span, problem) => {
  expect(genAiProblems(span).join("\n")).toContain(problem);
});
