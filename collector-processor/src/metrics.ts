import type { IncomingMessage, ServerResponse } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";

export interface Metrics {
  /** A request with so many spans was read. */
  received(spans: number): void;
  /** Spans refused for good, told to the client in partial success or by a status. */
  refused(spans: number): void;
  /** A request that the client was told to send again. */
  unavailable(): void;
  /** A transaction was committed. */
  stored(batch: { inserted: number; duplicate: number; seconds: number }): void;
  /** The queue before the store, read when metrics are. */
  observeQueue(queue: { spans: number; bytes: number }): void;
  /** Answers GET /metrics. */
  serve(request: IncomingMessage, response: ServerResponse): void;
  shutdown(): Promise<void>;
}

const BATCH_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter("signalbox-collector");
  const received = meter.createCounter("signalbox_collector_spans_received", { description: "Spans read from requests" });
  const refused = meter.createCounter("signalbox_collector_spans_refused", { description: "Spans refused for good" });
  const stored = meter.createCounter("signalbox_collector_spans_stored", { description: "Spans committed for the first time" });
  const duplicate = meter.createCounter("signalbox_collector_spans_duplicate", { description: "Spans that were stored before" });
  const unavailable = meter.createCounter("signalbox_collector_requests_unavailable", {
    description: "Requests that the client was told to send again: the queue was full or Postgres away",
  });
  const seconds = meter.createHistogram("signalbox_collector_batch_seconds", {
    description: "One transaction, from COPY to commit",
    advice: { explicitBucketBoundaries: BATCH_SECONDS },
  });
  const queuedSpans = meter.createObservableGauge("signalbox_collector_queue_spans", { description: "Spans that wait for a writer" });
  const queuedBytes = meter.createObservableGauge("signalbox_collector_queue_bytes", { description: "Bytes that wait for a writer" });
  // a counter that was never touched is not exported: 0 is said from the start
  for (const counter of [received, refused, stored, duplicate, unavailable]) counter.add(0);

  return {
    received: (spans) => received.add(spans),
    refused: (spans) => refused.add(spans),
    unavailable: () => unavailable.add(1),
    stored(batch) {
      stored.add(batch.inserted);
      duplicate.add(batch.duplicate);
      seconds.record(batch.seconds);
    },
    observeQueue(queue) {
      queuedSpans.addCallback((result) => result.observe(queue.spans));
      queuedBytes.addCallback((result) => result.observe(queue.bytes));
    },
    serve: (request, response) => exporter.getMetricsRequestHandler(request, response),
    shutdown: () => provider.shutdown(),
  };
}
