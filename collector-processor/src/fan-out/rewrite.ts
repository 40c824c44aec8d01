import { ProtobufReader } from "../otlp/protobuf-reader.ts";
import { fields } from "../otlp/protobuf-values.ts";
import type { SpanDraft } from "../span-batch.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { MessageRewriter } from "./rewrite-messages.ts";

const RESOURCE_SPANS = 0x0a;
const RESOURCE = 0x0a;
const SCOPE_SPANS = 0x12;
const SPANS = 0x12;

/** Resources, scopes and what else stands around the spans; it grows. */
const AROUND_BYTES = 1024;

export interface RewriteOptions {
  /** Leave prompts, results, tool arguments and the like in. */
  content: boolean;
  /** Which spans go out. */
  wants(draft: SpanDraft): boolean;
}

export interface Rewritten {
  /** An ExportTraceServiceRequest; empty where no span goes out. */
  bytes: Buffer;
  spans: number;
}

/**
 * A request as it goes to others: only spans that were accepted and are wanted, as MessageRewriter writes them. They are written as they
 * come, so that none has to be kept; what stands around them in the request comes at the end.
 */
export class Rewriter {
  readonly #body: Buffer;
  readonly #options: RewriteOptions;
  readonly #reader: ProtobufReader;
  readonly #spans: ProtobufWriter;
  readonly #messages: MessageRewriter;
  readonly #spanEnds: Generator<number>;
  /** Of the body's spans, those up to which the reader went; it stands at the start of the last of them, or at its end. */
  #reached = 0;
  #reachedEnd = 0;
  /** Of each span that goes out, its place among the body's, and where it ends in `#spans`. */
  readonly #written: { place: number; end: number }[] = [];

  constructor(body: Buffer, options: RewriteOptions) {
    this.#body = body;
    this.#options = options;
    this.#reader = new ProtobufReader(body);
    this.#spans = new ProtobufWriter(body.length);
    this.#messages = new MessageRewriter(body, this.#reader, this.#spans, options.content);
    this.#spanEnds = spanEnds(this.#reader, body.length);
  }

  /** Drafts of the body's spans, in the body's order. */
  add(draft: SpanDraft): void {
    const { source } = draft;
    if (source === null || !this.#options.wants(draft)) return;
    while (this.#reached <= source.place) {
      this.#reader.position = this.#reachedEnd;
      this.#reachedEnd = this.#spanEnds.next().value;
      this.#reached++;
    }
    this.#messages.span(this.#reachedEnd, source.span, draft);
    this.#written.push({ place: source.place, end: this.#spans.length });
  }

  /** The request with the spans that were added. */
  take(): Rewritten {
    const spans = this.#spans.take();
    if (this.#written.length === 0) return { bytes: Buffer.alloc(0), spans: 0 };
    const reader = this.#reader;
    const writer = new ProtobufWriter(spans.length + AROUND_BYTES);
    const messages = new MessageRewriter(this.#body, reader, writer, this.#options.content);
    let place = 0;
    let next = 0;
    let copied = 0;

    /** Writes a message, unless no span is left in it. */
    const nested = (tag: number, end: number, take: (tag: number, end: number) => boolean): true => {
      const before = { length: writer.length, next };
      const start = writer.open(tag);
      messages.fields(end, take);
      writer.close(start);
      if (next === before.next) writer.rewind(before.length);
      return true;
    };
    const span = (tag: number, end: number): boolean => {
      if (tag !== SPANS) return false;
      reader.position = end;
      const found = this.#written[next];
      if (found?.place === place++) {
        writer.raw(spans, copied, found.end);
        copied = found.end;
        next++;
      }
      return true;
    };
    const inResource = (tag: number, end: number): boolean => {
      if (tag === SCOPE_SPANS) return nested(SCOPE_SPANS, end, span);
      if (tag === RESOURCE) messages.resource(end);
      return tag === RESOURCE;
    };
    reader.position = 0;
    messages.fields(this.#body.length, (tag, end) => tag === RESOURCE_SPANS && nested(RESOURCE_SPANS, end, inResource));
    return { bytes: writer.take(), spans: this.#written.length };
  }
}

/** Stands at the start of each span, and gives its end; who asks for the next one has read up to it. */
function* spanEnds(reader: ProtobufReader, end: number): Generator<number, never> {
  for (const resourceEnd of fields(reader, RESOURCE_SPANS, end)) {
    for (const scopeEnd of fields(reader, SCOPE_SPANS, resourceEnd)) yield* fields(reader, SPANS, scopeEnd);
  }
  throw new Error("a span is not of the request that is rewritten");
}
