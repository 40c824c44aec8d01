/**
 * The thread that makes spans of decision records and posts them to the collector, a batch at a time, again and again until the
 * collector takes or refuses them. It has its own OpenTelemetry SDK; instrumentation-undici is not in it, nor on the path: there
 * it would add a second `traceparent` to the relayed request and 16 µs, and tell nothing that the record does not hold.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { emitSpans, RecordedIds } from "./decision-span.ts";
import type { ThreadMessage, ThreadOptions } from "./export.ts";
import type { DecisionRecord } from "./record.ts";

type SpanProcessor = NonNullable<NodeSDKConfiguration["spanProcessors"]>[number];
type ReadableSpan = Parameters<SpanProcessor["onEnd"]>[0];

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
const TIMEOUT_MS = 5_000;

const { endpoint, token } = workerData as ThreadOptions;
const tell = (message: ThreadMessage) => parentPort?.postMessage(message);

const ids = new RecordedIds();
let ended: ReadableSpan[] = [];
const collect: SpanProcessor = {
  onStart() {},
  onEnd: (span) => void ended.push(span),
  forceFlush: async () => {},
  shutdown: async () => {},
};
new NodeSDK({
  serviceName: "signalbox-scheduler",
  autoDetectResources: false,
  textMapPropagator: null,
  spanProcessors: [collect],
  idGenerator: ids,
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [],
}).start();
const tracer = trace.getTracer("signalbox-scheduler");
const exporter = new OTLPTraceExporter({
  url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
  ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  timeoutMillis: TIMEOUT_MS,
});

parentPort?.on("message", async (batch: string) => {
  for (const record of JSON.parse(batch) as DecisionRecord[]) emitSpans(record, tracer, ids);
  const spans = ended;
  ended = [];
  tell(await deliver(spans));
});

async function deliver(spans: ReadableSpan[]): Promise<ThreadMessage> {
  for (let retryMs = FIRST_RETRY_MS, away = false; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
    const error = await post(spans);
    if (error === undefined || isPermanent(error)) {
      if (away) tell({ type: "back" });
      return error === undefined ? { type: "done", refused: false } : { type: "done", refused: true, reason: error.message };
    }
    if (!away) tell({ type: "away", reason: error.message });
    away = true;
    await sleep(retryMs);
  }
}

type ExportError = Error & { code?: unknown };

function post(spans: ReadableSpan[]): Promise<ExportError | undefined> {
  return new Promise((resolve) => {
    exporter.export(spans, ({ code, error }) => resolve(code === 0 ? undefined : (error ?? new Error("export failed"))));
  });
}

/** The collector answered that it will never take these; anything else can pass. */
function isPermanent({ code }: ExportError): boolean {
  return typeof code === "number" && code >= 400 && code < 500 && code !== 408 && code !== 429;
}
