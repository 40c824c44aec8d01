import type { LogRecord } from "./otlp/logs.ts";
import type { ResourceSpans, Span } from "./otlp/traces.ts";
import type { Rejections } from "./pipeline.ts";
import type { MessageDirection, PayloadRow, SpanRow } from "./rows.ts";

/** A request for those who send it on: an ExportTraceServiceRequest as it came; decoded, where it was in another encoding, or held log records. */
export type OriginalTraces = Buffer | ResourceSpans[];

/** What the receiver hands on: one request. */
export interface TraceBatch {
  /** To be read once. Of a large request they may come in pieces that are decoded as they are read: that throws MalformedBody. */
  resources: Iterable<ResourceSpans>;
  /** The request's log records that are bodies of calls. */
  payloads?: LogRecord[];
  /** Absent: the batch is not sent on. */
  original?: OriginalTraces;
  /** The project of the key that the request came with; null where spans may say it. */
  project: string | null;
  /** Stages add the spans that they refuse; the receiver tells the client. */
  rejections: Rejections;
}

/**
 * The same request as rows, on its way through normalise, attribute and price to the store. Spans are to be read once, and are made as
 * they are read, so that of a request of thousands only a few are alive at a time: garbage that dies young costs next to nothing, and
 * what lives through a collection cost a third of all time.
 */
export interface SpanBatch {
  spans: Iterable<SpanDraft>;
  payloads?: PayloadRow[];
  original?: OriginalTraces;
  rejections: Rejections;
}

/** The same spans, with `work` done on each as it is read. */
export function* withEach(spans: Iterable<SpanDraft>, work: (span: SpanDraft) => unknown): Generator<SpanDraft> {
  for (const span of spans) {
    work(span);
    yield span;
  }
}

/** A message by its hash: sha-256 of body, which is canonical JSON, a character for each byte. */
export interface Message {
  hash: string;
  body: string;
}

/**
 * How an emitter's input tokens relate to its cached ones.
 * `subtract`: input includes them, as GenAI says; the price subtracts them.
 * `additive`: input is what was not cached, as Anthropic's API counts; they are added.
 * `unknown`: the emitter does not say, or differs by provider. Input that is smaller than its own cached part cannot include it.
 */
export type CacheMode = "subtract" | "additive" | "unknown";

/** A span's row in the making, with what is said of it and has no column of its own in spans. */
export interface SpanDraft {
  row: SpanRow;
  /** session.id, and where that is absent gen_ai.conversation.id */
  sessionId: string | null;
  conversationId: string | null;
  genAiAgentId: string | null;
  parentAgentId: string | null;
  agentDepth: number | null;
  spawnedByToolCall: string | null;
  responseModel: string | null;
  /** Where the span names its session: under what those of its trace are stored that name none. */
  traceSession: string | null;
  /**
   * The session that this row's whole session is part of: an emitter's sub-agent that names only itself. To be stored as
   * session_aliases (session_id → parentSessionId); several levels make a chain.
   */
  parentSessionId: string | null;
  /** How the emitter's input tokens relate to its cached ones, until includeCache made them include these. */
  cacheMode: CacheMode;
  /** The part of cache_write_tokens with one hour to live. */
  cacheWrite1hTokens: number | null;
  /** The tier that the provider served, or that was asked of it: standard where null. */
  serviceTier: string | null;
  /** Made of a log record. */
  fromLog: boolean;
  /** Attributes of ours that an emitter's reading adds to those that it sent. */
  added: [name: string, value: string][];
  /** Another record counts as this call: the scheduler's span where it went through there, or a log record of the same emitter. */
  routed: boolean;
  /** The cost as a double, for emitters that do not send nano-USD. */
  costUsd: number | null;
  messages: { direction: MessageDirection; messages: Message[] }[] | null;
  /** The span of the request that it was made of, and its place among them, from 0. */
  source: { span: Span; place: number } | null;
}

export function emptyDraft(): SpanDraft {
  return {
    row: {
      start_time: 0,
      start_nanos: 0,
      kind: 0,
      status: 0,
      tier: null,
      duration_ns: 0,
      trace_id: "",
      span_id: "",
      parent_span_id: null,
      session_id: "",
      project: "",
      agent_id: "",
      turn_id: null,
      name: "",
      operation: "",
      is_call: false,
      agent_kind: null,
      agent_name: null,
      channel: null,
      user_id: null,
      key_name: null,
      task: null,
      tool_name: null,
      tool_call_id: null,
      route: null,
      pool: null,
      silicon: null,
      hardware: null,
      provider: null,
      model: null,
      request_model: null,
      sla_class: null,
      sla_met: null,
      decision_id: null,
      attempt: null,
      input_tokens: null,
      cache_read_tokens: null,
      cache_write_tokens: null,
      output_tokens: null,
      reasoning_tokens: null,
      cost_nusd: null,
      cost_source: null,
      baseline_nusd: null,
      ttft_ms: null,
      queue_ms: null,
      prefill_ms: null,
      decode_ms: null,
      status_message: null,
      service_name: null,
      attributes: "{}",
      events: null,
      links: null,
    },
    sessionId: null,
    conversationId: null,
    genAiAgentId: null,
    parentAgentId: null,
    agentDepth: null,
    spawnedByToolCall: null,
    responseModel: null,
    traceSession: null,
    parentSessionId: null,
    cacheMode: "unknown",
    cacheWrite1hTokens: null,
    serviceTier: null,
    fromLog: false,
    added: [],
    routed: false,
    costUsd: null,
    messages: null,
    source: null,
  };
}
