import type { Log } from "../log.ts";
import type { OriginalTraces, SpanDraft } from "../span-batch.ts";
import { type DestinationConfig, type DestinationState, destination } from "./destination.ts";
import { encodeTraces } from "./encode-otlp.ts";
import { grpcPusher } from "./push-grpc.ts";
import { httpPusher } from "./push-http.ts";
import type { PushConfig } from "./pusher.ts";
import { type RewriteOptions, Rewriter, type Rewritten } from "./rewrite.ts";
import { testSpan } from "./test-span.ts";

export interface FanOutDestination extends DestinationConfig, PushConfig {
  /** Send prompts, results and tool arguments, too. */
  content: boolean;
  /** The share of traces that is sent, 0 to 1: all spans of a trace or none, the same traces everywhere. */
  sampling: number;
  /** Only spans with one of these; empty: whatever they have. */
  only: { projects: string[]; operations: string[]; services: string[] };
}

/** All destinations. */
export interface FanOut {
  readonly destinations: readonly Readonly<DestinationState>[];
  /** For one request. */
  rewriter(original: OriginalTraces): FanOutRewriter;
  /** Puts it into the destinations' queues; `settled` is called for each when it was sent or dropped. Never waits. */
  offer(items: ReadonlyMap<string, Rewritten>, settled?: (name: string) => void): void;
  /** Pushes one span past the queue, once. Undefined: there is no such destination. */
  sendTestSpan(name: string): Promise<TestSpanResult | undefined>;
  start(): void;
  shutdown(): Promise<void>;
}

export interface FanOutRewriter {
  /** The accepted spans, in the order of the request; each is read, and not kept. */
  add(span: SpanDraft): void;
  /** Afterwards, what of the request goes to whom, by the destination's name. */
  take(): Map<string, Rewritten>;
}

export interface TestSpanResult {
  delivered: boolean;
  trace_id: string;
  /** Why not; null where it was delivered. */
  error: string | null;
}

const SHUTDOWN_MS = 2_000;

export function fanOut(configs: readonly FanOutDestination[], log: Log): FanOut {
  const outlets = configs.map((config) => {
    const pusher = config.protocol === "grpc" ? grpcPusher(config) : httpPusher(config);
    return { config, pusher, destination: destination(config, pusher.push, log) };
  });

  const views = viewsOf(configs);

  return {
    destinations: outlets.map((outlet) => outlet.destination.state),
    rewriter(original) {
      const body = Buffer.isBuffer(original) ? original : encodeTraces(original);
      const rewriters = views.map(({ names, options }) => ({ names, rewriter: new Rewriter(body, options) }));
      return {
        add(span) {
          for (const { rewriter } of rewriters) rewriter.add(span);
        },
        take() {
          const taken = rewriters.map(({ names, rewriter }) => ({ names, rewritten: rewriter.take() }));
          return new Map(taken.flatMap(({ names, rewritten }) => (rewritten.spans > 0 ? names.map((name) => [name, rewritten]) : [])));
        },
      };
    },
    offer(items, settled) {
      for (const [name, item] of items) {
        const done = settled && (() => settled(name));
        const outlet = outlets.find((candidate) => candidate.config.name === name);
        // in a log of before, there may be a destination that is configured no more
        if (outlet === undefined) done?.();
        else outlet.destination.offer(item, done);
      }
    },
    async sendTestSpan(name) {
      const outlet = outlets.find(({ config }) => config.name === name);
      if (outlet === undefined) return undefined;
      const { body, traceId } = testSpan(Date.now());
      const result = await outlet.pusher.push(body);
      if (result.kind !== "taken") return { delivered: false, trace_id: traceId, error: result.reason };
      const rejected = result.rejectedSpans > 0;
      return { delivered: !rejected, trace_id: traceId, error: rejected ? result.message || "it rejected the span" : null };
    },
    start() {
      for (const outlet of outlets) outlet.destination.start();
    },
    async shutdown() {
      await Promise.all(outlets.map((outlet) => outlet.destination.shutdown(SHUTDOWN_MS)));
      for (const outlet of outlets) outlet.pusher.close();
    },
  };
}

/** Destinations that want the same of each request share it. */
function viewsOf(configs: readonly FanOutDestination[]): { names: string[]; options: RewriteOptions }[] {
  const views = new Map<string, { names: string[]; options: RewriteOptions }>();
  for (const { name, content, sampling, only } of configs) {
    const key = JSON.stringify([content, sampling, only]);
    const view = views.get(key) ?? { names: [], options: { content, wants: wanted(sampling, only) } };
    view.names.push(name);
    views.set(key, view);
  }
  return [...views.values()];
}

/** The last 56 bits of a trace id are random, says W3C Trace Context: compared with a share of their range. */
const RANDOM_DIGITS = 14;
const RANDOM_RANGE = 16 ** RANDOM_DIGITS;

export function wanted(sampling: number, only: FanOutDestination["only"]): (draft: SpanDraft) => boolean {
  const oneOf = (allowed: string[], value: string) => allowed.length === 0 || allowed.includes(value);
  return ({ row }) =>
    (sampling >= 1 || Number.parseInt(row.trace_id.slice(-RANDOM_DIGITS), 16) < sampling * RANDOM_RANGE) &&
    oneOf(only.projects, row.project) &&
    oneOf(only.operations, row.operation) &&
    oneOf(only.services, row.service_name ?? "");
}
