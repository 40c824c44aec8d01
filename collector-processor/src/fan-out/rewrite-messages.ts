import { Attribute } from "@signalbox/otel/conventions";
import type { ProtobufReader } from "../otlp/protobuf-reader.ts";
import { resource } from "../otlp/protobuf-values.ts";
import { type Attributes, type AttributeValue, type Event, KeyValueList, type Link, type Span } from "../otlp/traces.ts";
import { isContentEvent, isContentName, isErrorText, saysErrors } from "../processors/content-names.ts";
import { isSecretName, REDACTED, redact } from "../processors/redact.ts";
import type { SpanDraft } from "../span-batch.ts";
import { costUsd, enrichment } from "./enrichment.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

const RESOURCE = 0x0a;
const RESOURCE_ATTRIBUTES = 0x0a;
const SPANS = 0x12;
const SPAN_ATTRIBUTES = 0x4a;
const SPAN_EVENTS = 0x5a;
const SPAN_LINKS = 0x6a;
const SPAN_STATUS = 0x7a;
const EVENT_ATTRIBUTES = 0x1a;
const LINK_ATTRIBUTES = 0x22;
const STATUS_MESSAGE = 0x12;

const ABSENT_ID = /^0*$/;

/** How one attribute goes out: as it is, not at all, or with another value. */
type Fate = { keep: true } | { keep: false; value?: AttributeValue };
const KEEP: Fate = { keep: true };
const DROP: Fate = { keep: false };

/**
 * Writes messages of a request as they go to others: what was found out appended, secrets taken out, with content off what was said too,
 * links with broken ids left out. All else is the emitter's bytes, copied, fields that we do not know too.
 */
export class MessageRewriter {
  readonly #body: Buffer;
  readonly #reader: ProtobufReader;
  readonly #writer: ProtobufWriter;
  readonly #content: boolean;
  /** Of the message that is written: its error texts go out, too. */
  #errors = true;

  /** `content`: prompts, results, tool arguments and the like stay in. */
  constructor(body: Buffer, reader: ProtobufReader, writer: ProtobufWriter, content: boolean) {
    this.#body = body;
    this.#reader = reader;
    this.#writer = writer;
    this.#content = content;
  }

  /** Writes the span at which the reader stands, with what was found out about it. `span` is the same, decoded. */
  span(end: number, span: Span, draft: SpanDraft): void {
    this.#errors = this.#content || saysErrors(draft.row.operation);
    const ours = enrichment(draft);
    const usd = costUsd(draft);
    const attributes = new Cursor(span.attributes, (name, value) => {
      if (name === Attribute.costUsd && usd !== null) return DROP;
      const found = ours.get(name);
      if (found === undefined) return this.#fate(name, value);
      if (found === value) ours.delete(name);
      return found === value ? KEEP : DROP;
    });
    let event = 0;
    let link = 0;
    const start = this.#writer.open(SPANS);
    this.fields(end, (tag, fieldEnd) => {
      if (tag === SPAN_ATTRIBUTES) return this.#attribute(SPAN_ATTRIBUTES, fieldEnd, attributes);
      if (tag === SPAN_EVENTS) this.#event(fieldEnd, (span.events as Event[])[event++] as Event);
      else if (tag === SPAN_LINKS) this.#link(fieldEnd, (span.links as Link[])[link++] as Link);
      else if (tag === SPAN_STATUS) this.#status(fieldEnd);
      else return false;
      return true;
    });
    for (const [name, value] of ours) this.#writer.attribute(SPAN_ATTRIBUTES, name, value);
    if (usd !== null) this.#double(SPAN_ATTRIBUTES, Attribute.costUsd, usd);
    this.#writer.close(start);
  }

  #event(end: number, event: Event): void {
    const bare = !this.#content && isContentEvent(event.name);
    const attributes = new Cursor(event.attributes, (name, value) => (bare ? DROP : this.#fate(name, value)));
    this.#withAttributes(SPAN_EVENTS, EVENT_ATTRIBUTES, end, attributes);
  }

  /** Some backends refuse a whole push for one id of a wrong length. */
  #link(end: number, link: Link): void {
    if (link.traceId === null || link.spanId === null || ABSENT_ID.test(link.traceId) || ABSENT_ID.test(link.spanId)) {
      this.#reader.position = end;
    } else this.#withAttributes(SPAN_LINKS, LINK_ATTRIBUTES, end, new Cursor(link.attributes));
  }

  #status(end: number): void {
    const start = this.#writer.open(SPAN_STATUS);
    this.fields(end, (tag, fieldEnd) => {
      if (tag !== STATUS_MESSAGE) return false;
      if (this.#errors) this.#writer.text(STATUS_MESSAGE, redact(this.#reader.text(fieldEnd)));
      else this.#reader.position = fieldEnd;
      return true;
    });
    this.#writer.close(start);
  }

  /** Writes the resource at which the reader stands. */
  resource(end: number): void {
    const attributes: Attributes = [];
    const start = this.#reader.position;
    resource(this.#reader, end, attributes);
    this.#reader.position = start;
    this.#errors = true;
    this.#withAttributes(RESOURCE, RESOURCE_ATTRIBUTES, end, new Cursor(attributes));
  }

  #withAttributes(messageTag: number, attributesTag: number, end: number, attributes: Cursor): void {
    const start = this.#writer.open(messageTag);
    this.fields(end, (tag, fieldEnd) => tag === attributesTag && this.#attribute(attributesTag, fieldEnd, attributes));
    this.#writer.close(start);
  }

  /** False: the field is to be copied. */
  #attribute(tag: number, end: number, attributes: Cursor): boolean {
    const { name, value } = attributes.next();
    const fate = attributes.fate === undefined ? this.#fate(name, value) : attributes.fate(name, value);
    if (fate.keep) return false;
    this.#reader.position = end;
    if (fate.value !== undefined) this.#writer.attribute(tag, name, fate.value);
    return true;
  }

  #fate(name: string, value: AttributeValue): Fate {
    if (!this.#content && isContentName(name)) return DROP;
    if (!this.#errors && typeof value === "string" && isErrorText(name)) return DROP;
    if (isSecretName(name)) return { keep: false, value: REDACTED };
    const clean = withoutSecrets(value);
    return clean === value ? KEEP : { keep: false, value: clean };
  }

  #double(tag: number, name: string, value: number): void {
    const attribute = this.#writer.open(tag);
    this.#writer.text(0x0a, name);
    const any = this.#writer.open(0x12);
    this.#writer.double(0x21, value);
    this.#writer.close(any);
    this.#writer.close(attribute);
  }

  /** Hands each field to `take`, which reads up to its end and says true, or says false: then the bytes are copied. */
  fields(end: number, take: (tag: number, fieldEnd: number) => boolean): void {
    const reader = this.#reader;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag();
      if ((tag & 7) === 2) {
        const fieldEnd = reader.lengthDelimited(end);
        if (take(tag, fieldEnd)) continue;
        reader.position = fieldEnd;
      } else reader.skip(tag, end);
      this.#writer.raw(this.#body, fieldStart, reader.position);
    }
  }
}

/** Walks a decoded list of attributes while their bytes are walked. */
class Cursor {
  readonly #attributes: Attributes;
  readonly fate: ((name: string, value: AttributeValue) => Fate) | undefined;
  #index = 0;

  constructor(attributes: Attributes, fate?: (name: string, value: AttributeValue) => Fate) {
    this.#attributes = attributes;
    this.fate = fate;
  }

  next(): { name: string; value: AttributeValue } {
    const index = this.#index;
    this.#index += 2;
    return { name: this.#attributes[index] as string, value: this.#attributes[index + 1] as AttributeValue };
  }
}

/** The very same value where nothing was found in it. */
function withoutSecrets(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return redact(value);
  if (value instanceof KeyValueList) {
    const clean = new KeyValueList();
    let changed = false;
    for (let index = 0; index < value.entries.length; index += 2) {
      const name = value.entries[index] as string;
      const before = value.entries[index + 1] as AttributeValue;
      const after = isSecretName(name) ? REDACTED : withoutSecrets(before);
      changed ||= after !== before;
      clean.entries.push(name, after);
    }
    return changed ? clean : value;
  }
  if (!Array.isArray(value)) return value;
  const clean = value.map(withoutSecrets);
  return clean.some((element, index) => element !== value[index]) ? clean : value;
}
