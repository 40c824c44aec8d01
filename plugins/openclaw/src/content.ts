import { Attribute } from "@signalbox/otel/conventions";
import type { SpanRecord } from "@signalbox/otel/provider";
import { redactText, redactValue } from "@signalbox/otel/redact";
import { BoundedMap } from "./bounded-map.ts";
import type { HostObject } from "./host-values.ts";

/** What was said: prompts, answers, tool arguments and results, redacted. Keeps and returns nothing where content is off, the default. */
export interface Content {
  toolCalled(runId: string, toolCallId: string, params: unknown): void;
  toolAnswered(runId: string, toolCallId: string, result: unknown): void;
  ofTool(runId: string, toolCallId: string): SpanRecord["attributes"];
  ofMessage(message: HostObject): SpanRecord["attributes"];
  ofPrompt(prompt: unknown): SpanRecord["attributes"];
  /** What a write to a memory file changed. */
  ofDiff(diff: string | undefined): SpanRecord["attributes"];
}

/** Characters kept of one value; the provider cuts attributes again. */
const MAX_LENGTH = 4_096;
const LIMITS = { maxLength: 2_048, maxValues: 200 };

const OFF: Content = {
  toolCalled() {},
  toolAnswered() {},
  ofTool: () => ({}),
  ofMessage: () => ({}),
  ofPrompt: () => ({}),
  ofDiff: () => ({}),
};

export function createContent(enabled: boolean): Content {
  if (!enabled) return OFF;
  // Small: a call's content waits here only from its hook to its event.
  const params = new BoundedMap<string, string>(256);
  const results = new BoundedMap<string, string>(256);
  const key = (runId: string, toolCallId: string) => `${runId}\n${toolCallId}`;
  return {
    toolCalled: (runId, id, value) => void params.set(key(runId, id), json(value)),
    toolAnswered: (runId, id, value) => void results.set(key(runId, id), json(value)),
    ofTool(runId, id) {
      const call = key(runId, id);
      const attributes = { [Attribute.toolArguments]: params.get(call), [Attribute.toolResult]: results.get(call) };
      params.delete(call);
      results.delete(call);
      return attributes;
    },
    ofMessage: (message) => ({ [Attribute.outputMessages]: json([{ role: "assistant", parts: message.content }]) }),
    ofPrompt: said,
    ofDiff: said,
  };
}

const said = (content: unknown): SpanRecord["attributes"] =>
  typeof content === "string" ? { [Attribute.inputMessages]: json([{ role: "user", parts: [{ type: "text", content }] }]) } : {};

const json = (value: unknown): string => redactText(JSON.stringify(redactValue(value, LIMITS)) ?? "", MAX_LENGTH);
