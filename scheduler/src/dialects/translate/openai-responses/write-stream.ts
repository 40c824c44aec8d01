/** What a stream says → the events of a Responses stream. Its end repeats all of the reply, so the reply is kept until then. */

import type { ReplyContext } from "../context.ts";
import { errorCode } from "../openai-errors.ts";
import { eventBytes } from "../sse.ts";
import type { StreamWriter } from "../stream.ts";
import type { ApiError, AssistantPart, JsonObject, PartHead, Seal, StreamEvent } from "../types.ts";
import { outputItem, responseObject, serialiseResponse } from "./serialise-response.ts";

export function writeStream(context: ReplyContext): StreamWriter {
  return new ResponseWriter(context);
}

class ResponseWriter implements StreamWriter {
  readonly #context: ReplyContext;
  #head = { id: "", model: "", createdAt: 0 };
  #sequence = 0;
  /** All parts, by index: those that ended and those being written. */
  readonly #parts: AssistantPart[] = [];

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  write(event: StreamEvent): Uint8Array[] {
    switch (event.type) {
      case "start":
        this.#head = { id: event.id, model: event.model, createdAt: event.createdAt ?? this.#context.createdAt };
        return ["response.created", "response.in_progress"].map((type) =>
          this.#send(type, { response: responseObject(this.#head, this.#context) }),
        );
      case "part_start":
        return this.#begin(event.index, event.part);
      case "part_delta":
        return this.#delta(event.index, event.text);
      case "part_end":
        return this.#end(event.index, event.seal);
      case "ping":
        return [];
      case "stop": {
        const reply = { ...this.#head, parts: this.#parts, stop: event.reason, usage: event.usage };
        const response = serialiseResponse(reply, this.#context);
        return [this.#send(`response.${response.status}`, { response })];
      }
      case "error":
        return this.#fail(event.error);
    }
  }

  #send(type: string, fields: JsonObject): Uint8Array {
    return eventBytes({ type, sequence_number: this.#sequence++, ...fields }, type);
  }

  #begin(index: number, head: PartHead): Uint8Array[] {
    const part: AssistantPart = head.kind === "tool_call" ? { ...head, arguments: "" } : { ...head, text: "" };
    this.#parts[index] = part;
    const item = this.#item(index);
    const added = this.#send("response.output_item.added", { output_index: index, item: { ...item, ...inProgress(part) } });
    const at = this.#at(index);
    if (part.kind === "thinking")
      return [
        added,
        this.#send("response.reasoning_summary_part.added", { ...at, summary_index: 0, part: { type: "summary_text", text: "" } }),
      ];
    if (part.kind === "tool_call") return [added];
    return [added, this.#send("response.content_part.added", { ...at, content_index: 0, part: contentOf(item) })];
  }

  #delta(index: number, text: string): Uint8Array[] {
    const part = this.#parts[index];
    if (!part) return [];
    const at = { ...this.#at(index), delta: text };
    switch (part.kind) {
      case "text":
        part.text += text;
        return [this.#send("response.output_text.delta", { ...at, content_index: 0, logprobs: [] })];
      case "refusal":
        part.text += text;
        return [this.#send("response.refusal.delta", { ...at, content_index: 0 })];
      case "thinking":
        part.text += text;
        return [this.#send("response.reasoning_summary_text.delta", { ...at, summary_index: 0 })];
      case "tool_call":
        part.arguments += text;
        return [this.#send(part.custom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta", at)];
    }
  }

  #end(index: number, seal: Seal | undefined): Uint8Array[] {
    const part = this.#parts[index];
    if (!part) return [];
    if (part.kind === "thinking" && seal) part.seal = seal;
    const item = this.#item(index);
    return [...this.#partDone(part, index, item), this.#send("response.output_item.done", { output_index: index, item })];
  }

  #partDone(part: AssistantPart, index: number, item: JsonObject): Uint8Array[] {
    const at = this.#at(index);
    switch (part.kind) {
      case "text":
      case "refusal": {
        const content = { ...at, content_index: 0 };
        const done =
          part.kind === "text"
            ? this.#send("response.output_text.done", { ...content, text: part.text, logprobs: [] })
            : this.#send("response.refusal.done", { ...content, refusal: part.text });
        return [done, this.#send("response.content_part.done", { ...content, part: contentOf(item) })];
      }
      case "thinking": {
        const summary = { ...at, summary_index: 0 };
        return [
          this.#send("response.reasoning_summary_text.done", { ...summary, text: part.text }),
          this.#send("response.reasoning_summary_part.done", { ...summary, part: { type: "summary_text", text: part.text } }),
        ];
      }
      case "tool_call":
        if (part.custom) return [this.#send("response.custom_tool_call_input.done", { ...at, input: part.arguments })];
        return [this.#send("response.function_call_arguments.done", { ...at, name: part.name, arguments: part.arguments })];
    }
  }

  /** The SDK throws on `error`; Codex passes it over and reads `response.failed`. */
  #fail(error: ApiError): Uint8Array[] {
    const { message, param } = error;
    const code = errorCode(error);
    const failed = { ...responseObject(this.#head, this.#context), status: "failed", error: { code, message } };
    return [this.#send("error", { code, message, param: param ?? null }), this.#send("response.failed", { response: failed })];
  }

  #item(index: number): JsonObject {
    return outputItem(this.#parts[index] as AssistantPart, this.#head.id, index);
  }

  #at(index: number): JsonObject {
    return { item_id: this.#item(index).id, output_index: index };
  }
}

/** What an item has not yet when it begins. */
function inProgress(part: AssistantPart): JsonObject {
  if (part.kind === "thinking") return {};
  return part.kind === "tool_call" ? { status: "in_progress" } : { status: "in_progress", content: [] };
}

const contentOf = (item: JsonObject) => (item.content as JsonObject[])[0];
