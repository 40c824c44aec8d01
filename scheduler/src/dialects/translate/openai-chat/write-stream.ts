/** What a stream says → chat completion chunks. */

import type { ReplyContext } from "../context.ts";
import { chatId } from "../ids.ts";
import { errorBody } from "../openai-errors.ts";
import { eventBytes } from "../sse.ts";
import type { StreamWriter } from "../stream.ts";
import type { JsonObject, PartHead, StreamEvent, Usage } from "../types.ts";
import { thinkingDetail } from "./thinking.ts";
import { finishReason, serialiseUsage } from "./usage.ts";

const FIELD = { text: "content", thinking: "reasoning_content", refusal: "refusal" } as const;

interface OpenPart {
  head: PartHead;
  /** Among the tool calls. */
  call: number;
}

export function writeStream(context: ReplyContext): StreamWriter {
  const open = new Map<number, OpenPart>();
  let head = { id: "", created: 0, model: "" };
  let calls = 0;
  let refused = false;

  const chunk = (choices: JsonObject[], usage?: Usage) =>
    eventBytes({
      ...head,
      object: "chat.completion.chunk",
      choices,
      ...(context.includeUsage && { usage: usage ? serialiseUsage(usage) : null }),
    });
  const delta = (fields: JsonObject, finish: string | null = null) =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: finish }]);

  const begin = (index: number, part: PartHead): Uint8Array[] => {
    const call = part.kind === "tool_call" ? calls++ : -1;
    open.set(index, { head: part, call });
    refused ||= part.kind === "refusal";
    if (part.kind !== "tool_call") return [];
    const { id, name } = part;
    const called = part.custom ? { type: "custom", custom: { name, input: "" } } : { type: "function", function: { name, arguments: "" } };
    return [delta({ tool_calls: [{ index: call, id, ...called }] })];
  };
  const go = (index: number, text: string): Uint8Array[] => {
    const part = open.get(index);
    if (!part) return [];
    if (part.head.kind !== "tool_call") return [delta({ [FIELD[part.head.kind]]: text })];
    return [
      delta({
        tool_calls: [{ index: part.call, ...(part.head.custom ? { custom: { input: text } } : { function: { arguments: text } }) }],
      }),
    ];
  };

  const write = (event: StreamEvent): Uint8Array[] => {
    switch (event.type) {
      case "start":
        head = { id: chatId(event.id), created: event.createdAt ?? context.createdAt, model: event.model || context.model };
        return [delta({ role: "assistant", content: "" })];
      case "part_start":
        return begin(event.index, event.part);
      case "part_delta":
        return go(event.index, event.text);
      case "part_end":
        open.delete(event.index);
        return event.seal ? [delta({ reasoning_details: [thinkingDetail("", event.seal)] })] : [];
      case "ping":
        return [];
      case "stop":
        return [
          delta({}, finishReason(event.reason, refused)),
          ...(context.includeUsage && event.usage ? [chunk([], event.usage)] : []),
          eventBytes("[DONE]"),
        ];
      case "error":
        return [eventBytes(errorBody(event.error))];
    }
  };
  return { write };
}
