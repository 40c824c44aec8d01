/** The events of an Anthropic stream → what they say. */

import { compact, Field } from "../field.ts";
import { readSeal } from "../seal.ts";
import { CUT_SHORT, type StreamReader } from "../stream.ts";
import type { PartHead, Seal, StopReason, StreamEvent } from "../types.ts";
import { parseErrorObject } from "./errors.ts";
import { parseStop, readUsage, type ToldUsage, usageOf } from "./usage.ts";

export function readStream(): StreamReader {
  return new MessageReader();
}

class MessageReader implements StreamReader {
  #ended = false;
  #usage: ToldUsage | undefined;
  #stop: { reason: StopReason; stopSequence?: string } | undefined;
  /** Blocks by the engine's index. */
  readonly #open = new Map<number, { index: number; seal?: Seal }>();
  #parts = 0;

  read({ data }: { data: string }): StreamEvent[] {
    if (this.#ended) return [];
    const event = new Field(JSON.parse(data));
    switch (event.get("type").value) {
      case "message_start":
        return this.#start(event.get("message"));
      case "content_block_start":
        return this.#blockStart(event.get("index").number(), event.get("content_block"));
      case "content_block_delta":
        return this.#delta(event.get("index").number(), event.get("delta"));
      case "content_block_stop":
        return this.#blockStop(event.get("index").number());
      case "message_delta":
        return this.#messageDelta(event);
      case "message_stop":
        return this.end();
      case "error":
        this.#ended = true;
        return [{ type: "error", error: parseErrorObject(event.get("error"), undefined) }];
      case "ping":
        return [{ type: "ping" }];
      default:
        return [];
    }
  }

  end(): StreamEvent[] {
    if (this.#ended) return [];
    this.#ended = true;
    return this.#stop ? [{ type: "stop", ...this.#stop, usage: this.#usage && usageOf(this.#usage) }] : [CUT_SHORT];
  }

  #start(message: Field): StreamEvent[] {
    this.#usage = readUsage(message.get("usage"));
    return [
      {
        type: "start",
        id: message.get("id").optional("string") ?? "",
        model: message.get("model").optional("string") ?? "",
        usage: usageOf(this.#usage),
      },
    ];
  }

  #messageDelta(event: Field): StreamEvent[] {
    this.#usage = readUsage(event.get("usage"), this.#usage);
    const reason = event.get("delta").get("stop_reason").optional("string");
    const stopSequence = event.get("delta").get("stop_sequence").optional("string");
    if (reason !== undefined) this.#stop = compact({ reason: parseStop(reason), stopSequence });
    return [];
  }

  #blockStart(at: number, block: Field): StreamEvent[] {
    const index = this.#parts++;
    const part = partHead(block);
    const redacted = block.get("type").value === "redacted_thinking";
    const seal: Seal | undefined = redacted ? { by: "anthropic-messages", data: block.get("data").string(), redacted: true } : undefined;
    this.#open.set(at, compact({ index, seal }));
    const text = block.get(part.kind === "thinking" ? "thinking" : "text").optional("string");
    return [{ type: "part_start", index, part }, ...(text ? [{ type: "part_delta", index, text } as const] : [])];
  }

  #delta(at: number, delta: Field): StreamEvent[] {
    const open = this.#open.get(at);
    if (!open) return delta.fail("belongs to no open block");
    switch (delta.get("type").value) {
      case "text_delta":
        return [{ type: "part_delta", index: open.index, text: delta.get("text").string() }];
      case "thinking_delta":
        return [{ type: "part_delta", index: open.index, text: delta.get("thinking").string() }];
      case "input_json_delta":
        return [{ type: "part_delta", index: open.index, text: delta.get("partial_json").string() }].filter(
          ({ text }) => text !== "",
        ) as StreamEvent[];
      case "signature_delta":
        open.seal = readSeal(delta.get("signature").string(), "anthropic-messages");
        return [];
      default:
        return [];
    }
  }

  #blockStop(at: number): StreamEvent[] {
    const open = this.#open.get(at);
    if (!open) return [];
    this.#open.delete(at);
    return [{ type: "part_end", ...open }];
  }
}

/** @throws FieldError for blocks of tools that run at Anthropic, which were not asked for */
function partHead(block: Field): PartHead {
  switch (block.get("type").oneOf(["text", "thinking", "redacted_thinking", "tool_use"])) {
    case "text":
      return { kind: "text" };
    case "thinking":
    case "redacted_thinking":
      return { kind: "thinking" };
    case "tool_use":
      return { kind: "tool_call", id: block.get("id").string(), name: block.get("name").string() };
  }
}
