/** Chat completion chunks → what they say. Chat has no begin and end of a part: a delta of another kind ends the one before. */

import { compact, Field } from "../field.ts";
import { JsonText } from "../json-text.ts";
import { parseErrorObject } from "../openai-errors.ts";
import { readSeal } from "../seal.ts";
import { CUT_SHORT, type StreamReader } from "../stream.ts";
import type { PartHead, Seal, StopReason, StreamEvent, Usage } from "../types.ts";
import { thinkingText } from "./thinking.ts";
import { parseFinish, parseUsage } from "./usage.ts";

interface OpenCall {
  index: number;
  text: JsonText;
}

export function readStream(): StreamReader {
  return new ChunkReader();
}

class ChunkReader implements StreamReader {
  #started = false;
  #ended = false;
  #parts = 0;
  /** The text, thinking or refusal that is being written. */
  #open: { index: number; kind: string } | undefined;
  #seal: Seal | undefined;
  /** Calls that are being written, by the engine's index. */
  readonly #calls = new Map<number, OpenCall>();
  #usage: Usage | undefined;
  #stop: StopReason | undefined;
  #refused = false;

  read({ data }: { data: string }): StreamEvent[] {
    if (this.#ended) return [];
    if (data === "[DONE]") return this.end();
    const chunk = new Field(JSON.parse(data));
    if (chunk.get("error").present) return this.#finish([{ type: "error", error: parseErrorObject(chunk.get("error"), 500) }]);
    this.#usage = parseUsage(chunk.get("usage")) ?? this.#usage;
    const [choice] = chunk.get("choices").optionalItems();
    const events = this.#start(chunk);
    if (!choice) return events;
    events.push(...this.#delta(choice.get("delta")));
    const finish = choice.get("finish_reason").optional("string");
    if (finish !== undefined) this.#stop = this.#refused ? "refusal" : parseFinish(finish);
    return events;
  }

  end(): StreamEvent[] {
    if (this.#ended) return [];
    if (this.#stop === undefined) return this.#finish([CUT_SHORT]);
    return this.#finish([...this.#closeAll(), { type: "stop", reason: this.#stop, usage: this.#usage }]);
  }

  #finish(events: StreamEvent[]): StreamEvent[] {
    this.#ended = true;
    return events;
  }

  #start(chunk: Field): StreamEvent[] {
    if (this.#started) return [];
    this.#started = true;
    const createdAt = chunk.get("created").optional("number");
    return [
      compact({
        type: "start",
        id: chunk.get("id").optional("string") ?? "",
        model: chunk.get("model").optional("string") ?? "",
        createdAt,
      }),
    ];
  }

  #delta(delta: Field): StreamEvent[] {
    const events: StreamEvent[] = [];
    const thinking = thinkingText(delta);
    const sealed = delta.get("reasoning_details").optionalItems().map(sealOf).findLast(Boolean);
    // A seal ends what it seals.
    if (this.#seal && (thinking !== "" || sealed)) events.push(...this.#closeText());
    if (thinking !== "" || sealed) events.push(...this.#say("thinking", thinking));
    if (sealed) this.#seal = sealed;
    const text = delta.get("content").optional("string");
    if (text) events.push(...this.#say("text", text));
    const refusal = delta.get("refusal").optional("string");
    if (refusal) {
      this.#refused = true;
      events.push(...this.#say("refusal", refusal));
    }
    for (const call of delta.get("tool_calls").optionalItems()) events.push(...this.#call(call));
    return events;
  }

  #say(kind: "text" | "thinking" | "refusal", text: string): StreamEvent[] {
    const events = this.#open?.kind === kind ? [] : [...this.#closeAll(), this.#begin({ kind })];
    const index = this.#open?.index ?? this.#parts - 1;
    this.#open = { index, kind };
    return text === "" ? events : [...events, { type: "part_delta", index, text }];
  }

  #call(call: Field): StreamEvent[] {
    const at = call.get("index").optional("number") ?? this.#calls.size;
    const isCustom = call.get("type").value === "custom" || call.get("custom").present;
    const called = call.get(isCustom ? "custom" : "function");
    const events: StreamEvent[] = [];
    let open = this.#calls.get(at);
    if (!open) {
      events.push(...this.#closeText(), ...this.#closeCompleteCalls());
      const head: PartHead = {
        kind: "tool_call",
        id: call.get("id").optional("string") || `call_${this.#parts}`,
        name: called.get("name").string(),
      };
      events.push(this.#begin(isCustom ? { ...head, custom: true } : head));
      open = { index: this.#parts - 1, text: new JsonText() };
      this.#calls.set(at, open);
    }
    const text = called.get(isCustom ? "input" : "arguments").optional("string") ?? "";
    open.text.push(text);
    return text === "" ? events : [...events, { type: "part_delta", index: open.index, text }];
  }

  #begin(part: PartHead): StreamEvent {
    return { type: "part_start", index: this.#parts++, part };
  }

  #closeText(): StreamEvent[] {
    if (!this.#open) return [];
    const { index } = this.#open;
    const seal = this.#seal;
    this.#open = undefined;
    this.#seal = undefined;
    return [compact({ type: "part_end", index, seal })];
  }

  /** Engines may write parallel calls in turns: one whose arguments are not whole stays open. */
  #closeCompleteCalls(): StreamEvent[] {
    return [...this.#calls].flatMap(([at, call]) => (call.text.complete ? this.#closeCall(at, call) : []));
  }

  #closeCall(at: number, { index }: OpenCall): StreamEvent[] {
    this.#calls.delete(at);
    return [{ type: "part_end", index }];
  }

  #closeAll(): StreamEvent[] {
    return [...this.#closeText(), ...[...this.#calls].flatMap(([at, call]) => this.#closeCall(at, call))];
  }
}

function sealOf(detail: Field): Seal | undefined {
  const sealed = detail.get(detail.get("type").value === "reasoning.encrypted" ? "data" : "signature").optional("string");
  return sealed ? readSeal(sealed, "openai-chat") : undefined;
}
