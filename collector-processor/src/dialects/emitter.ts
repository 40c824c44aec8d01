import type { Attributes, AttributeValue, Span } from "../otlp/traces.ts";
import type { MessageDirection } from "../rows.ts";
import type { SpanDraft } from "../span-batch.ts";

/** Where a span comes from, before its attributes are read. */
export interface Source {
  /** service.name; '' where the resource has none */
  service: string;
  scope: string;
}

/**
 * One emitter whose spans need more than a table of names: the same name means something else there, or the meaning lies in several
 * attributes together. Everything is answered from the one record alone, never from what else has arrived, so that the order of
 * arrival changes nothing.
 */
export interface Emitter {
  name: string;
  /** True for spans and logs of this emitter, whatever attributes they have. */
  emits?(source: Source): boolean;
  /** Attributes that only this emitter sets: one of them on a span tells, too. */
  markers?: readonly string[];
  /** False: the span is noise of this emitter, and is dropped and counted. Nobody's parent may be dropped. */
  keeps?(name: string, attributes: AttributeView, resource: AttributeView): boolean;
  /** Attributes that are content: taken out of spans.attributes; `apply` puts what they say into messages. */
  isContent?(name: string): boolean;
  /** Puts what the span says into the draft. Runs after the general names (gen_ai, signalbox) have been read, and wins over them. */
  apply(draft: SpanDraft, record: EmittedRecord): void;
  /**
   * The log records that are facts of their own; such a record becomes a span row and goes through `apply` with draft.fromLog true.
   * Every other record of this emitter repeats what its spans say, and is counted and not stored.
   */
  takesLog?(event: string, attributes: AttributeView, resource: AttributeView): boolean;
  /** Further facts in a record that was taken: each becomes a row of its own, by this name. */
  furtherFacts?(event: string, attributes: AttributeView): string[];
  /** The trace of a record that names none, as 32 hex digits, or null; the caller then makes one of the record. */
  logTrace?(attributes: AttributeView): string | null;
}

/** What an emitter reads of one span. */
export interface EmittedRecord {
  span: Span;
  attributes: AttributeView;
  resource: AttributeView;
  content: ContentSink;
}

/** Takes the messages of a span; drops them where content is not wanted. */
export interface ContentSink {
  /** `value` in any of the forms that GenAI messages come in: JSON text, a structured value, or plain text. */
  add(direction: MessageDirection, value: AttributeValue): void;
}

/** The attributes of one span, to look up by name. Of a name that stands twice the last value is its value. */
export class AttributeView {
  readonly #attributes: Attributes;
  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  get(name: string): AttributeValue | undefined {
    const attributes = this.#attributes;
    for (let index = attributes.length - 2; index >= 0; index -= 2) if (attributes[index] === name) return attributes[index + 1];
    return undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The value where it is text and not empty. */
  text(name: string): string | null {
    const value = this.get(name);
    return typeof value === "string" && value !== "" ? value : null;
  }

  /** A count: a whole number from 0, or its decimal digits as text. */
  count(name: string): number | null {
    const value = this.get(name);
    const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
    return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
  }

  /** True for `true`, and for the text that some emitters send instead. */
  flag(name: string): boolean | null {
    const value = this.get(name);
    if (value === true || value === "true") return true;
    return value === false || value === "false" ? false : null;
  }

  /** Every value of a name, in order. */
  all(name: string): AttributeValue[] {
    const found: AttributeValue[] = [];
    for (let index = 0; index < this.#attributes.length; index += 2) {
      if (this.#attributes[index] === name) found.push(this.#attributes[index + 1] as AttributeValue);
    }
    return found;
  }

  /** The pairs whose name begins so, in order. */
  *below(prefix: string): Generator<[name: string, value: AttributeValue]> {
    for (let index = 0; index < this.#attributes.length; index += 2) {
      const name = this.#attributes[index] as string;
      if (name.startsWith(prefix)) yield [name, this.#attributes[index + 1] as AttributeValue];
    }
  }
}
