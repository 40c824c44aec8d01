import { type Attributes, type Link, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, type IdGenerator, RandomIdGenerator, TracerProvider } from "@opentelemetry/sdk-trace";
import { Attribute } from "./conventions.ts";
import { otlpTransport } from "./otlp-transport.ts";
import { type SpanQueueStats, spanQueue } from "./span-queue.ts";
import { isSpanId, isTraceId } from "./trace-context.ts";

/**
 * A tracer provider of our own inside someone else's process.
 *
 * Never global: a second global provider is refused, and ours in the global context would take over the host's spans. So there
 * is no context here at all: every parent is given. Nothing throws into the host; what cannot be recorded is counted.
 */

export interface ProviderOptions {
  serviceName: string;
  serviceVersion?: string;
  /** More attributes of the resource, the same on every span. */
  resource?: Attributes;
  /** The collector's origin, e.g. `http://127.0.0.1:4318`, or the URL of its traces endpoint. */
  endpoint: string;
  headers?: Readonly<Record<string, string>>;
  /** Spans held at most while they wait or the collector is away; default 2,048. */
  maxSpans?: number;
  /** Estimated bytes of spans held at most; default 4 MiB. */
  maxBytes?: number;
  /** Spans in one POST; default 128: encoding blocks the host's event loop for about a millisecond. */
  maxBatchSpans?: number;
  /** Milliseconds from the first queued span to its export; default 500. */
  delayMs?: number;
  /** Milliseconds for one POST; default 5,000. */
  timeoutMs?: number;
  /** First and longest wait between tries while the collector is away, milliseconds; default 1,000 and 10,000. */
  retryMinMs?: number;
  retryMaxMs?: number;
  /** Characters kept of one attribute; default 4,096. */
  maxAttributeLength?: number;
  /** Attributes kept on one span; default 96. */
  maxAttributes?: number;
}

/** A finished span. Ids are lower-case hex; times are milliseconds since the epoch, fractions kept to the microsecond. */
export interface SpanRecord {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: SpanKind;
  startMs: number;
  endMs: number;
  /** Undefined values are left out. */
  attributes: Readonly<Record<string, string | number | boolean | string[] | undefined>>;
  links?: readonly { traceId: string; spanId: string; attributes?: Attributes }[];
  events?: readonly { name: string; timeMs: number; attributes?: Attributes }[];
  /** Set where the span failed. */
  error?: { message?: string };
}

export interface IsolatedProvider {
  /** For live spans; give every `startSpan` its context: nothing is read from the host's. */
  readonly tracer: Tracer;
  /** Records a finished span under its own ids. Never throws; an invalid id is a dropped span. */
  emit(record: SpanRecord): void;
  stats(): SpanQueueStats;
  /** Sends what is queued, for at most `timeoutMs` (default 500). */
  flush(timeoutMs?: number): Promise<void>;
  /** Ends it for good within `timeoutMs` (default 500): agents exit and must not hang on a dead collector. */
  shutdown(timeoutMs?: number): Promise<void>;
}

/** Throws a TypeError only here, at start, where the endpoint is no URL. */
export function createProvider(options: ProviderOptions): IsolatedProvider {
  const transport = otlpTransport({ endpoint: options.endpoint, headers: options.headers, timeoutMs: options.timeoutMs ?? 5_000 });
  const queue = spanQueue(transport, {
    maxSpans: options.maxSpans ?? 2_048,
    maxBytes: options.maxBytes ?? 4 * 1024 * 1024,
    maxBatchSpans: options.maxBatchSpans ?? 128,
    delayMs: options.delayMs ?? 500,
    retryMinMs: options.retryMinMs ?? 1_000,
    retryMaxMs: options.retryMaxMs ?? 10_000,
  });
  const ids = presetIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [Attribute.serviceName]: options.serviceName,
      ...(options.serviceVersion === undefined ? {} : { [Attribute.serviceVersion]: options.serviceVersion }),
      ...options.resource,
    }),
    // The host's sampling decision is about the host's spans.
    sampler: new AlwaysOnSampler(),
    idGenerator: ids.generator,
    spanLimits: { attributeValueLengthLimit: options.maxAttributeLength ?? 4_096, attributeCountLimit: options.maxAttributes ?? 96 },
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer("signalbox", options.serviceVersion);
  let invalid = 0;

  const record = (span: SpanRecord) => {
    if (!isTraceId(span.traceId) || !isSpanId(span.spanId)) throw new RangeError("invalid ids");
    const parent =
      span.parentSpanId !== undefined && isSpanId(span.parentSpanId)
        ? { traceId: span.traceId, spanId: span.parentSpanId, traceFlags: TraceFlags.SAMPLED }
        : undefined;
    const links = span.links?.filter((link) => isTraceId(link.traceId) && isSpanId(link.spanId)).map(toLink);
    const live = ids.with(span.traceId, span.spanId, () =>
      tracer.startSpan(
        span.name,
        { kind: span.kind, startTime: hrTime(span.startMs), attributes: span.attributes, links },
        parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      ),
    );
    for (const event of span.events ?? []) live.addEvent(event.name, event.attributes, hrTime(event.timeMs));
    if (span.error !== undefined) live.setStatus({ code: SpanStatusCode.ERROR, message: span.error.message });
    live.end(hrTime(Math.max(span.startMs, span.endMs)));
  };

  return {
    tracer,
    emit(span) {
      try {
        record(span);
      } catch {
        invalid++;
      }
    },
    stats: () => {
      const stats = queue.stats();
      return { ...stats, dropped: stats.dropped + invalid };
    },
    flush: (timeoutMs = 500) => queue.flush(timeoutMs).catch(() => undefined),
    shutdown: (timeoutMs = 500) => queue.stop(timeoutMs).catch(() => undefined),
  };
}

/**
 * Lets one synchronous `startSpan` take given ids: the host's own, so that what its requests cause (they carry the host's ids in
 * `traceparent`) nests under our spans.
 */
function presetIds() {
  const random = new RandomIdGenerator();
  let next: { traceId: string; spanId: string } | undefined;
  const generator: IdGenerator = {
    generateTraceId: () => next?.traceId ?? random.generateTraceId(),
    generateSpanId: () => next?.spanId ?? random.generateSpanId(),
  };
  return {
    generator,
    with<T>(traceId: string, spanId: string, start: () => T): T {
      next = { traceId, spanId };
      try {
        return start();
      } finally {
        next = undefined;
      }
    },
  };
}

const toLink = (link: { traceId: string; spanId: string; attributes?: Attributes }): Link => ({
  context: { traceId: link.traceId, spanId: link.spanId, traceFlags: TraceFlags.SAMPLED },
  attributes: link.attributes,
});

/** A pair, never a number: the SDK takes a small number for a time since the process's start. */
function hrTime(ms: number): [number, number] {
  if (!Number.isFinite(ms)) throw new RangeError("time is not finite");
  const micros = Math.round(ms * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  return [seconds, (micros - seconds * 1_000_000) * 1000];
}

export { SpanKind };
