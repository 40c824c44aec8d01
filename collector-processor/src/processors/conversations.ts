import type { AttributeValue } from "../otlp/traces.ts";
import type { MessageDirection } from "../rows.ts";
import type { Message } from "../span-batch.ts";
import { arrayOfMessages, type ContentLimits, messagesOf } from "./content.ts";

export interface ConversationLimits extends ContentLimits {
  /** Bytes of conversations that are remembered. */
  rememberedBytes: number;
}

/** A content attribute that was read before. */
interface Known {
  text: string;
  /** All but its last character. */
  beginning: string;
  messages: Message[];
  /** A JSON array of messages: a longer array that begins with the same elements has the same messages, and more. */
  extendable: boolean;
  bytes: number;
}

/** Side conversations of one agent, with a smaller model say, come between the turns of its main one. */
const MAX_KNOWN_OF_ONE = 4;
/** Shorter ones are quick to read. The reader's short strings, besides, keep the whole request alive. */
const MIN_CHARACTERS = 512;
/** A message's hash, and what holds it together. */
const BYTES_A_MESSAGE = 200;
const COMMA = 44;

/**
 * Reads content attributes, each message once: an agent sends its whole conversation again with every call, so nearly always the text
 * is one that was read before, or that one with messages added. What comes out is what `messagesOf` says, whatever is remembered.
 */
export class Conversations {
  readonly #limits: ConversationLimits;
  /** by whose they are, the one that was least recently used first */
  readonly #known = new Map<string, Known[]>();
  #bytes = 0;

  constructor(limits: ConversationLimits) {
    this.#limits = limits;
  }

  /** `owner`: whose conversation it is, as far as the span says. */
  messages(value: AttributeValue, direction: MessageDirection, owner: string): Message[] {
    // an answer comes once
    if (typeof value !== "string" || value.length < MIN_CHARACTERS || direction === "output") {
      return messagesOf(value, direction, this.#limits);
    }
    const key = `${direction} ${owner}`;
    const known = this.#known.get(key) ?? [];
    for (const [index, before] of known.entries()) {
      if (before.text === value) return before.messages;
      const added = this.#added(before, value);
      if (added === null) continue;
      known.splice(index, 1);
      this.#bytes -= before.bytes;
      const messages = [...before.messages, ...added];
      this.#remember(key, known, value, messages, true);
      return messages;
    }
    const list = direction === "input" ? arrayOfMessages(value, this.#limits) : null;
    const messages = list ?? messagesOf(value, direction, this.#limits);
    // of an array that was cut, the next has other messages
    this.#remember(key, known, value, messages, list !== null && list.length < this.#limits.messages);
    return messages;
  }

  /** The messages that `text` has beyond those of `before`; null where it is not the same array, made longer. */
  #added(before: Known, text: string): Message[] | null {
    const end = before.beginning.length;
    // two whole texts are compared many characters at a time, which startsWith does not
    if (!before.extendable || text.charCodeAt(end) !== COMMA || text.slice(0, end) !== before.beginning) return null;
    const added = arrayOfMessages(`[${text.slice(end + 1)}`, this.#limits);
    // "[…,]" is no JSON, and more than the limit are cut at the front
    return added === null || added.length === 0 || before.messages.length + added.length >= this.#limits.messages ? null : added;
  }

  #remember(key: string, known: Known[], text: string, messages: Message[], extendable: boolean): void {
    const bytes = messages.reduce((sum, { body }) => sum + 2 * body.length + BYTES_A_MESSAGE, 2 * text.length);
    known.push({ text, beginning: text.slice(0, -1), messages, extendable, bytes });
    this.#bytes += bytes;
    if (known.length > MAX_KNOWN_OF_ONE) this.#bytes -= known.shift()?.bytes ?? 0;
    this.#known.delete(key);
    this.#known.set(key, known);
    for (const [oldest, conversations] of this.#known) {
      if (this.#bytes <= this.#limits.rememberedBytes) return;
      for (const { bytes } of conversations) this.#bytes -= bytes;
      this.#known.delete(oldest);
    }
  }
}
