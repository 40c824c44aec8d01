/**
 * Server-sent chat completion chunks on their way through: whole events are passed as they came, and what the record needs
 * (first content, finish reason, usage) is picked up with `indexOf`; only events that carry it are parsed.
 */

import { type CallUsage, readReply } from "./chat-usage.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const USAGE = '"usage"';
const FINISH = '"finish_reason"';
const DONE = "[DONE]";
const DATA = "data:";
const CONTENT = /"(?:content|reasoning_content|reasoning|refusal)"\s*:\s*"[^"]|"tool_calls"\s*:\s*\[/;
/** An event that grows beyond this is passed on unread. */
const MAX_EVENT_BYTES = 1 << 20;

export interface ChatStream {
  /** Bytes in; the whole events among them out, or undefined. `[DONE]` is kept back: the caller ends the stream. */
  push(chunk: Buffer): Buffer | undefined;
  /** What was left without the end of an event. */
  rest(): Buffer | undefined;
  /** `[DONE]` was met. */
  readonly done: boolean;
  readonly sawContent: boolean;
  /** Events so far: an estimate of the tokens where usage never comes. */
  readonly events: number;
  readonly usage: CallUsage | undefined;
  readonly finishReason: string | undefined;
  readonly id: string | undefined;
  readonly model: string | undefined;
}

/** @param dropUsage the client did not ask for the chunk that carries usage alone: take it out */
export function createChatStream(dropUsage: boolean): ChatStream {
  return new Scanner(dropUsage);
}

class Scanner implements ChatStream {
  done = false;
  sawContent = false;
  events = 0;
  usage: CallUsage | undefined;
  finishReason: string | undefined;
  id: string | undefined;
  model: string | undefined;
  #carry: Buffer | undefined;
  readonly #dropUsage: boolean;

  constructor(dropUsage: boolean) {
    this.#dropUsage = dropUsage;
  }

  push(chunk: Buffer): Buffer | undefined {
    const data = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk;
    const end = lastEventEnd(data);
    if (end === 0 && data.length < MAX_EVENT_BYTES) {
      this.#carry = data;
      return undefined;
    }
    const cut = end === 0 ? data.length : end;
    this.#carry = cut < data.length ? data.subarray(cut) : undefined;
    return this.#scan(cut === data.length ? data : data.subarray(0, cut));
  }

  rest(): Buffer | undefined {
    const rest = this.#carry;
    this.#carry = undefined;
    return rest && this.#scan(rest);
  }

  /** Searched as text of the same length: a search in a buffer costs a call out of JavaScript. */
  #scan(block: Buffer): Buffer | undefined {
    const text = block.toString("latin1");
    for (let at = text.indexOf(DATA); at >= 0; at = text.indexOf(DATA, at + DATA.length)) {
      if (at === 0 || block[at - 1] === NEWLINE) this.events++;
    }
    if (!this.sawContent && CONTENT.test(text)) this.sawContent = true;
    const finish = valueAfter(text, FINISH, 0x22);
    if (finish >= 0) this.finishReason = block.toString("latin1", finish + 1, text.indexOf('"', finish + 1));

    let kept = block;
    const usage = valueAfter(text, USAGE, 0x7b);
    if (usage >= 0) kept = this.#readUsage(block, usage);
    if (text.includes(DONE)) {
      const done = kept.lastIndexOf(DONE);
      if (done >= 0 && isDoneEvent(kept, done)) {
        this.done = true;
        this.events--;
        kept = kept.subarray(0, kept.lastIndexOf(DATA, done));
      }
    }
    return kept.length > 0 ? kept : undefined;
  }

  #readUsage(block: Buffer, at: number): Buffer {
    const start = lastEventEnd(block.subarray(0, at));
    const next = nextEventEnd(block, at);
    const event = block.subarray(start, next);
    const reply = readReply(event.toString("utf8", event.indexOf(DATA) + DATA.length));
    this.usage = reply.usage ?? this.usage;
    this.id = reply.id;
    this.model = reply.model;
    const usageAlone = reply.usage && /"choices"\s*:\s*\[\s*\]/.test(event.toString("latin1"));
    if (!usageAlone) return block;
    this.events--;
    return this.#dropUsage ? Buffer.concat([block.subarray(0, start), block.subarray(next)]) : block;
  }
}

/** Offset of the first `opener` that follows the quoted key and a colon, or -1. `null` and other types do not count. */
function valueAfter(text: string, key: string, opener: number): number {
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + key.length)) {
    let value = at + key.length;
    while (text.charCodeAt(value) === 0x3a || text.charCodeAt(value) === 0x20) value++;
    if (text.charCodeAt(value) === opener) return value;
    // Mostly the key stands at the end of its event.
    if (value + key.length > text.length) break;
  }
  return -1;
}

/** `[DONE]` as a line of its own, and not in somebody's text. */
function isDoneEvent(block: Buffer, at: number): boolean {
  const line = block.lastIndexOf(NEWLINE, at) + 1;
  return block.toString("latin1", line, at).trimEnd() === "data:";
}

/** Offset after the last blank line, 0 where there is none. Lines end with \n or \r\n. */
function lastEventEnd(data: Buffer): number {
  for (let at = data.lastIndexOf(NEWLINE); at > 0; at = data.lastIndexOf(NEWLINE, at - 1)) {
    if (endsBlankLine(data, at)) return at + 1;
  }
  return 0;
}

function nextEventEnd(data: Buffer, from: number): number {
  for (let at = data.indexOf(NEWLINE, from); at >= 0; at = data.indexOf(NEWLINE, at + 1)) {
    if (endsBlankLine(data, at)) return at + 1;
  }
  return data.length;
}

const endsBlankLine = (data: Buffer, newline: number) =>
  data[newline - 1] === NEWLINE || (data[newline - 1] === CARRIAGE_RETURN && data[newline - 2] === NEWLINE);
