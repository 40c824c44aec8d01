/** The events of a Responses stream → what they say. */

import { compact, Field } from "../field.ts";
import { parseErrorObject } from "../openai-errors.ts";
import { readSeal } from "../seal.ts";
import { CUT_SHORT, type StreamReader } from "../stream.ts";
import type { PartHead, StreamEvent } from "../types.ts";
import { reasoningText } from "./parse-item.ts";
import { parseStop, parseUsage } from "./usage.ts";

interface OpenPart {
  index: number;
  /** Engines may leave deltas out and tell all at the end. */
  said: boolean;
}

export function readStream(): StreamReader {
  return new ResponseReader();
}

class ResponseReader implements StreamReader {
  #started = false;
  #ended = false;
  #parts = 0;
  readonly #said = { toolCalls: false, refusal: false };
  /** Parts that are being written, by output index and content index. */
  readonly #open = new Map<string, OpenPart>();

  read({ data }: { data: string }): StreamEvent[] {
    if (this.#ended || data === "[DONE]") return [];
    const event = new Field(JSON.parse(data));
    const type = event.get("type").optional("string") ?? "";
    switch (type) {
      case "response.created":
      case "response.in_progress":
        return this.#start(event.get("response"));
      case "response.output_item.added":
        return this.#itemAdded(event);
      case "response.content_part.added":
        return this.#begin(contentKey(event), contentHead(event.get("part").get("type").value));
      case "response.output_text.delta":
        return this.#say(contentKey(event), { kind: "text" }, event);
      case "response.refusal.delta":
        return this.#say(contentKey(event), { kind: "refusal" }, event);
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return this.#say(itemKey(event), { kind: "thinking" }, event);
      case "response.reasoning_summary_part.added":
        return this.#paragraph(event);
      case "response.output_item.done":
        return this.#itemDone(event);
      case "response.completed":
      case "response.incomplete":
        return this.#finish([
          { type: "stop", reason: parseStop(event.get("response"), this.#said), usage: parseUsage(event.get("response").get("usage")) },
        ]);
      case "response.failed":
        return this.#finish([{ type: "error", error: parseErrorObject(event.get("response").get("error"), 500) }]);
      case "error":
        return this.#finish([{ type: "error", error: parseErrorObject(event.get("error").present ? event.get("error") : event, 500) }]);
      default:
        return [];
    }
  }

  end(): StreamEvent[] {
    return this.#ended ? [] : this.#finish([CUT_SHORT]);
  }

  #finish(events: StreamEvent[]): StreamEvent[] {
    this.#ended = true;
    return events;
  }

  #start(response: Field): StreamEvent[] {
    if (this.#started) return [];
    this.#started = true;
    const createdAt = response.get("created_at").optional("number");
    return [
      compact({
        type: "start",
        id: response.get("id").optional("string") ?? "",
        model: response.get("model").optional("string") ?? "",
        createdAt,
      }),
    ];
  }

  #itemAdded(event: Field): StreamEvent[] {
    const item = event.get("item");
    switch (item.get("type").value) {
      case "reasoning":
        return this.#begin(itemKey(event), { kind: "thinking" });
      case "function_call":
      case "custom_tool_call":
        return this.#begin(itemKey(event), callHead(item));
      default:
        return [];
    }
  }

  #begin(key: string, part: PartHead): StreamEvent[] {
    if (this.#open.has(key)) return [];
    if (part.kind === "tool_call") this.#said.toolCalls = true;
    if (part.kind === "refusal") this.#said.refusal = true;
    const index = this.#parts++;
    this.#open.set(key, { index, said: false });
    return [{ type: "part_start", index, part }];
  }

  /** `head` is for engines that do not announce their parts. */
  #say(key: string, head: PartHead, event: Field): StreamEvent[] {
    const begun = this.#begin(key, head);
    return [...begun, ...this.#text(key, event.get("delta").string())];
  }

  #text(key: string, text: string): StreamEvent[] {
    const part = this.#open.get(key);
    if (!part || text === "") return [];
    part.said = true;
    return [{ type: "part_delta", index: part.index, text }];
  }

  /** A summary's paragraphs are parts there and one text here. */
  #paragraph(event: Field): StreamEvent[] {
    return this.#open.get(itemKey(event))?.said ? this.#text(itemKey(event), "\n\n") : [];
  }

  #itemDone(event: Field): StreamEvent[] {
    const item = event.get("item");
    switch (item.get("type").value) {
      case "message":
        return item
          .get("content")
          .items()
          .flatMap((part, at) => {
            const head = contentHead(part.get("type").value);
            return this.#close(`${itemKey(event)}.${at}`, head, part.get(head.kind === "refusal" ? "refusal" : "text").string());
          });
      case "reasoning": {
        const sealed = item.get("encrypted_content").optional("string");
        return this.#close(itemKey(event), { kind: "thinking" }, reasoningText(item), sealed);
      }
      case "function_call":
        return this.#close(itemKey(event), callHead(item), item.get("arguments").string());
      case "custom_tool_call":
        return this.#close(itemKey(event), callHead(item), item.get("input").string());
      default:
        return [];
    }
  }

  #close(key: string, head: PartHead, whole: string, sealed?: string): StreamEvent[] {
    const events = this.#begin(key, head);
    const part = this.#open.get(key);
    if (!part) return events;
    if (!part.said) events.push(...this.#text(key, whole));
    this.#open.delete(key);
    return [...events, { type: "part_end", index: part.index, ...(sealed && { seal: readSeal(sealed, "openai-responses") }) }];
  }
}

const itemKey = (event: Field) => `${event.get("output_index").number()}`;
const contentKey = (event: Field) => `${itemKey(event)}.${event.get("content_index").optional("number") ?? 0}`;
const contentHead = (type: unknown): PartHead => ({ kind: type === "refusal" ? "refusal" : "text" });

function callHead(item: Field): PartHead {
  return compact({
    kind: "tool_call",
    id: item.get("call_id").string(),
    name: item.get("name").string(),
    namespace: item.get("namespace").optional("string"),
    custom: item.get("type").value === "custom_tool_call" ? (true as const) : undefined,
  });
}
