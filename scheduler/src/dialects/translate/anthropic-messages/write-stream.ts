/** What a stream says → the events of an Anthropic stream. */

import type { ReplyContext } from "../context.ts";
import { anthropicToolId } from "../ids.ts";
import { writeSeal } from "../seal.ts";
import { eventBytes } from "../sse.ts";
import type { StreamWriter } from "../stream.ts";
import type { JsonObject, PartHead, Seal, StreamEvent } from "../types.ts";
import { errorBody } from "./errors.ts";
import { ending, messageHead } from "./serialise-response.ts";
import { serialiseUsage } from "./usage.ts";

type Kind = PartHead["kind"];

const send = (type: string, fields: JsonObject) => eventBytes({ type, ...fields }, type);
const sendDelta = (index: number, delta: JsonObject) => send("content_block_delta", { index, delta });

export function writeStream(context: ReplyContext): StreamWriter {
  const kinds = new Map<number, Kind>();

  const write = (event: StreamEvent): Uint8Array[] => {
    switch (event.type) {
      case "start": {
        // Other dialects tell the input's tokens at the end only: message_delta corrects what stands here.
        const usage = { ...serialiseUsage(event.usage), server_tool_use: null, service_tier: null };
        const message = {
          ...messageHead(event.id, event.model || context.model),
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage,
        };
        return [send("message_start", { message }), send("ping", {})];
      }
      case "part_start":
        kinds.set(event.index, event.part.kind);
        return [send("content_block_start", { index: event.index, content_block: emptyBlock(event.part) })];
      case "part_delta":
        return [sendDelta(event.index, delta(kinds.get(event.index) ?? "text", event.text))];
      case "part_end":
        kinds.delete(event.index);
        return [...(event.seal ? [sendSeal(event.index, event.seal)] : []), send("content_block_stop", { index: event.index })];
      case "ping":
        return [send("ping", {})];
      case "stop":
        return [
          send("message_delta", {
            delta: { ...ending(event.reason, event.stopSequence), container: null },
            usage: serialiseUsage(event.usage),
          }),
          send("message_stop", {}),
        ];
      case "error":
        return [eventBytes(errorBody(event.error), "error")];
    }
  };
  return { write };
}

function emptyBlock(part: PartHead): JsonObject {
  switch (part.kind) {
    case "text":
    case "refusal":
      return { type: "text", text: "", citations: null };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "tool_call":
      return { type: "tool_use", id: anthropicToolId(part.id), name: part.name, input: {} };
  }
}

function delta(kind: Kind, text: string): JsonObject {
  if (kind === "thinking") return { type: "thinking_delta", thinking: text };
  return kind === "tool_call" ? { type: "input_json_delta", partial_json: text } : { type: "text_delta", text };
}

const sendSeal = (index: number, seal: Seal) =>
  sendDelta(index, { type: "signature_delta", signature: writeSeal(seal, "anthropic-messages") });
