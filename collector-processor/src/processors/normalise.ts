import { Attribute, storableText } from "@signalbox/otel/conventions";
import { boundDraft, type Mapping } from "../dialects/dialect.ts";
import { AttributeView, type Emitter } from "../dialects/emitter.ts";
import { emitterOfSource, emitterOfSpan, mappings } from "../dialects/index.ts";
import type { Attributes, AttributeValue, Event, Link, Moment, ResourceSpans, ScopeSpans, Span } from "../otlp/traces.ts";
import type { Consumer, Rejections, Stage } from "../pipeline.ts";
import { type Cutoffs, cutoffOf, cutoffs, type RetentionLimits } from "../retention/limits.ts";
import type { MessageDirection } from "../rows.ts";
import { emptyDraft, type SpanBatch, type SpanDraft, type TraceBatch } from "../span-batch.ts";
import { boundedText, truncatedText } from "../text.ts";
import { type AttributeLimits, AttributeWriter, quote } from "./attribute-json.ts";
import { contentDirection, hashed, type Members, plain } from "./content.ts";
import { isContentName } from "./content-names.ts";
import { type ConversationLimits, Conversations } from "./conversations.ts";
import { payloadRows } from "./payloads.ts";
import { redact } from "./redact.ts";

export interface NormaliseConfig {
  /** The project of spans that name none and came without a project's key. */
  defaultProject: string;
  /** A span that starts further ahead is refused: its clock is wrong, and it would stand above the newest on every page. */
  maxFutureDays: number;
  /** A span that is too old is refused, and of content what is too old is left out: it would be deleted at once. */
  kept: RetentionLimits;
  attributes: AttributeLimits;
  content: ConversationLimits & { capture: boolean; payloadBytes: number };
  /** Events, and links, kept of one span. */
  maxEvents: number;
  /** Keep the spans, too, that an emitter's dialect calls noise. */
  keepNoise: boolean;
  /** Told how many spans of a request were dropped as noise. */
  onNoise(spans: number): void;
  now(): number;
}

const DAY_MICROS = 86_400e6;
const MAX_DURATION_NS = 30 * 86_400e9;
const MAX_NAME_BYTES = 512;
const MAX_MESSAGE_CHARACTERS = 4096;
const ORIGINAL_END = "signalbox.original_end_time";
const ABSENT_ID = /^0*$/;
/** Most ids say by their first digit that they are there. */
const isAbsent = (id: string): boolean => (id === "" || id.startsWith("0")) && ABSENT_ID.test(id);

/** Decoded spans to rows: typed columns by the dialects, everything else into attributes, content into messages. Refuses what has no place. */
export function normalise(config: NormaliseConfig, next: Consumer<SpanBatch>): Stage<TraceBatch> {
  const byName = mappings();
  const conversations = new Conversations(config.content);
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume({ resources, payloads = [], project, rejections, original }) {
      const now = config.now();
      const latestMicros = now * 1000 + config.maxFutureDays * DAY_MICROS;
      const old = { spans: cutoffs(config.kept, "spans", now), content: cutoffs(config.kept, "content", now) };
      const context: Context = { config, byName, conversations, latestMicros, old, project, rejections };
      const limits = { bytes: config.content.payloadBytes, defaultProject: config.defaultProject };
      const bodies = config.content.capture && payloads.length > 0 ? await payloadRows(payloads, project, limits) : [];
      await next.consume({ spans: draftsOf(resources, context), payloads: bodies, rejections, ...(original && { original }) });
    },
  };
}

interface Context {
  config: NormaliseConfig;
  byName: ReadonlyMap<string, Mapping>;
  conversations: Conversations;
  latestMicros: number;
  old: { spans: Cutoffs; content: Cutoffs };
  project: string | null;
  rejections: Rejections;
}

/** What all spans of one resource and scope share. */
interface Shared {
  resource: AttributeView;
  /** The resource's attributes that have a column. */
  attributes: Attributes;
  json: string | null;
  scopeJson: string | null;
  emitter: Emitter | undefined;
  fromLogs: boolean;
}

function* draftsOf(resources: Iterable<ResourceSpans>, context: Context): Generator<SpanDraft> {
  let noise = 0;
  let place = 0;
  for (const resource of resources) {
    for (const [scope, shared] of scopesOf(resource, context)) {
      for (const span of scope.spans) {
        const source = { span, place: place++ };
        const refused = refusal(span, context);
        if (refused !== null) context.rejections.add(refused);
        else if (isNoise(span, shared, context)) noise++;
        else {
          const draft = draftOf(span, shared, context);
          if (isTooOld(draft, context.old.spans))
            context.rejections.add(`start time is before what is kept of project ${draft.row.project}`);
          else {
            draft.source = source;
            yield draft;
          }
        }
      }
    }
  }
  if (noise > 0) context.config.onNoise(noise);
}

function scopesOf(resource: ResourceSpans, context: Context): [ScopeSpans, Shared][] {
  const shared = splitResource(resource.attributes, context);
  const view = new AttributeView(resource.attributes);
  const service = view.text("service.name") ?? "";
  return resource.scopes.map((scope) => {
    const scopeJson =
      scope.name === ""
        ? null
        : scope.version === ""
          ? `{"name":${quote(scope.name)}}`
          : `{"name":${quote(scope.name)},"version":${quote(scope.version)}}`;
    const emitter = emitterOfSource({ service, scope: scope.name });
    return [scope, { ...shared, resource: view, scopeJson: scopeJson && redact(scopeJson), emitter, fromLogs: scope.fromLogs === true }];
  });
}

/** A resource speaks for all its spans: what has a column is put into each before the span's own attributes, the rest is one JSON object. */
function splitResource(attributes: Attributes, { byName, config }: Context) {
  const mapped: Attributes = [];
  const scratch = emptyDraft();
  const writer = new AttributeWriter(config.attributes);
  for (let index = 0; index < attributes.length; index += 2) {
    const name = attributes[index] as string;
    const value = attributes[index + 1] as AttributeValue;
    const mapping = byName.get(name);
    if (mapping !== undefined) mapped.push(name, value);
    if (!mapping?.(scratch, value)) writer.add(name, value);
  }
  const json = writer.take();
  return { attributes: mapped, json: json === "{}" ? null : json };
}

const isNoise = (span: Span, { emitter, fromLogs, resource }: Shared, { config }: Context): boolean =>
  emitter?.keeps !== undefined && !fromLogs && !config.keepNoise && !emitter.keeps(span.name, new AttributeView(span.attributes), resource);

function refusal(span: Span, { latestMicros, config }: Context): string | null {
  if (span.traceId === null || isAbsent(span.traceId)) return "trace_id is not 16 bytes, or all zero";
  if (span.spanId === null || isAbsent(span.spanId)) return "span_id is not 8 bytes, or all zero";
  if (span.parentSpanId === null) return "parent_span_id is not 8 bytes";
  if (span.startMicros > latestMicros) return `start time is more than ${config.maxFutureDays} days ahead`;
  return null;
}

const isTooOld = ({ row }: SpanDraft, old: Cutoffs): boolean => row.start_time < cutoffOf(old, row.project) * 1000;

function draftOf(span: Span, shared: Shared, context: Context): SpanDraft {
  const { config, byName } = context;
  const draft = emptyDraft();
  const content = new Content(config);
  const row = draft.row;
  row.start_time = span.startMicros;
  row.start_nanos = span.startNanos;
  row.trace_id = span.traceId as string;
  row.span_id = span.spanId as string;
  row.parent_span_id = isAbsent(span.parentSpanId as string) ? null : span.parentSpanId;
  row.name = boundedText(span.name, MAX_NAME_BYTES);
  row.kind = span.kind >= 0 && span.kind <= 5 ? span.kind : 0;
  row.status = span.statusCode >= 0 && span.statusCode <= 2 ? span.statusCode : 0;
  row.status_message = span.statusMessage === "" ? null : redact(storableText(truncatedText(span.statusMessage, MAX_MESSAGE_CHARACTERS)));
  draft.fromLog = shared.fromLogs;

  const emitter = shared.emitter ?? emitterOfSpan(span.attributes);
  for (let index = 0; index < shared.attributes.length; index += 2) {
    byName.get(shared.attributes[index] as string)?.(draft, shared.attributes[index + 1] as AttributeValue);
  }
  const writer = new AttributeWriter(config.attributes);
  const attributes = span.attributes;
  for (let index = 0; index < attributes.length; index += 2) {
    const name = attributes[index] as string;
    const value = attributes[index + 1] as AttributeValue;
    const mapping = byName.get(name);
    if (emitter?.isContent?.(name)) continue;
    const inColumn = mapping !== undefined ? mapping(draft, value) : content.take(name, value);
    // an emitter's own reading may win over the general one: what it really said is kept beside
    if (!inColumn || (emitter !== undefined && mapping !== undefined)) writer.add(name, value);
  }
  if (emitter !== undefined) applyEmitter(emitter, draft, span, shared, content);
  for (const [name, value] of draft.added) writer.add(name, value);
  const duration = (span.endMicros - row.start_time) * 1000 + (span.endNanos - row.start_nanos);
  row.duration_ns = Math.min(Math.max(0, duration), MAX_DURATION_NS);
  if (row.duration_ns !== duration) writer.addJson(ORIGINAL_END, `"${timeText({ micros: span.endMicros, nanos: span.endNanos })}"`);
  if (shared.json !== null) writer.addJson("resource", shared.json);
  if (shared.scopeJson !== null) writer.addJson("scope", shared.scopeJson);
  row.attributes = writer.take();
  row.events = eventsJson(content, span.events, config);
  content.addToolCall(row);
  row.links = linksJson(span.links, config);
  row.project = context.project ?? (row.project || config.defaultProject);
  if (!isTooOld(draft, context.old.content)) draft.messages = content.messages(draft, context.conversations);
  return draft;
}

function applyEmitter(emitter: Emitter, draft: SpanDraft, span: Span, shared: Shared, content: Content): void {
  const add = (direction: MessageDirection, value: AttributeValue) => {
    if (value !== null && value !== "") content.add({ direction, value });
  };
  emitter.apply(draft, { span, attributes: new AttributeView(span.attributes), resource: shared.resource, content: { add } });
  boundDraft(draft);
}

/** A content attribute, or a message that needs no reading. */
type Said = { direction: MessageDirection } & ({ value: AttributeValue } | { message: Members });

/** What a span carries of prompts and results, until it is known whose span it is. */
class Content {
  readonly #config: NormaliseConfig["content"];
  #toolArguments: AttributeValue = null;
  #toolResult: AttributeValue = null;
  #said: Said[] | null = null;

  constructor({ content }: NormaliseConfig) {
    this.#config = content;
  }

  /** True when the attribute was content: stored beside the span, or dropped where content is not wanted, and never in its attributes. */
  take(name: string, value: AttributeValue): boolean {
    const direction = contentDirection(name);
    if (direction !== undefined) this.add({ direction, value });
    else if (name === Attribute.toolArguments) this.#toolArguments ??= value;
    else if (name === Attribute.toolResult) this.#toolResult ??= value;
    else return !this.#config.capture && isContentName(name);
    return true;
  }

  /** What a tool was given and gave is kept as long as what a model was, and in the same form. */
  addToolCall({ tool_call_id: id, tool_name: name }: SpanDraft["row"]): void {
    if (this.#toolArguments === null && this.#toolResult === null) return;
    const add = (direction: MessageDirection, role: string, value: AttributeValue, part: object) => {
      if (value !== null) this.add({ direction, message: { role, parts: [part] } });
    };
    add("input", "assistant", this.#toolArguments, { type: "tool_call", id, name, arguments: plain(this.#toolArguments) });
    add("output", "tool", this.#toolResult, { type: "tool_call_response", id, response: plain(this.#toolResult) });
  }

  /** Of a direction that comes twice, in an attribute and in an event, the first. */
  add(said: Said): void {
    if (!this.#config.capture) return;
    this.#said ??= [];
    if (!this.#said.some((before) => before.direction === said.direction)) this.#said.push(said);
  }

  messages(draft: SpanDraft, conversations: Conversations): SpanDraft["messages"] {
    if (this.#said === null) return null;
    const { agent_id, trace_id } = draft.row;
    const owner = `${draft.sessionId ?? draft.conversationId ?? trace_id} ${agent_id}`;
    return this.#said.map((said) => ({
      direction: said.direction,
      messages: "message" in said ? [hashed(said.message, this.#config)] : conversations.messages(said.value, said.direction, owner),
    }));
  }
}

function eventsJson(content: Content, events: Event[] | null, config: NormaliseConfig): string | null {
  if (events === null || events.length === 0) return null;
  const writer = new AttributeWriter(config.attributes);
  const list = events.slice(0, config.maxEvents).map((event) => {
    for (let index = 0; index < event.attributes.length; index += 2) {
      const name = event.attributes[index] as string;
      const value = event.attributes[index + 1] as AttributeValue;
      if (!content.take(name, value)) writer.add(name, value);
    }
    return `{"time":"${timeText(event.time)}","name":${quote(truncatedText(event.name, MAX_NAME_BYTES))},"attributes":${writer.take()}}`;
  });
  return `[${list.join(",")}]`;
}

function linksJson(links: Link[] | null, config: NormaliseConfig): string | null {
  if (links === null || links.length === 0) return null;
  const writer = new AttributeWriter(config.attributes);
  const list = links.slice(0, config.maxEvents).map((link) => {
    writer.addAll(link.attributes);
    return `{"trace_id":"${link.traceId ?? ""}","span_id":"${link.spanId ?? ""}","attributes":${writer.take()}}`;
  });
  return `[${list.join(",")}]`;
}

/** The last second that was written: most moments of a request are of one. */
let lastSecond = { seconds: 0, text: "1970-01-01T00:00:00" };

/** RFC 3339 with nanoseconds; years beyond 9999 as the last moment of 9999. */
function timeText({ micros, nanos }: Moment): string {
  const seconds = Math.min(Math.floor(micros / 1e6), 253_402_300_799);
  const fraction = (micros % 1e6) * 1000 + nanos;
  if (seconds !== lastSecond.seconds) lastSecond = { seconds, text: new Date(seconds * 1000).toISOString().slice(0, 19) };
  return `${lastSecond.text}.${String(fraction).padStart(9, "0")}Z`;
}
