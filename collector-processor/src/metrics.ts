import type { IncomingMessage, ServerResponse } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Alerting } from "./alerting/alerting.ts";
import type { StoreMetrics } from "./exporters/postgres-store.ts";
import type { DestinationState } from "./fan-out/destination.ts";
import type { JanitorState } from "./retention/janitor.ts";
import type { WalState } from "./wal/log-first.ts";

export interface Metrics extends StoreMetrics {
  /** A request with so many spans was read. */
  received(spans: number): void;
  /** Spans refused for good, told to the client in partial success or by a status. */
  refused(spans: number): void;
  /** Log records that are no facts of their own: what they say is in spans, or nobody here knows their emitter. */
  logsIgnored(records: number): void;
  /** A metrics request with so many data points was read; they are not stored. */
  dataPoints(points: number): void;
  /** Spans that their emitter's dialect calls noise. */
  noise(spans: number): void;
  /** A request that the client was told to send again. */
  unavailable(): void;
  /** Each destination's queue and counters, read when metrics are. */
  observeFanOut(destinations: readonly Readonly<DestinationState>[]): void;
  observeWal(wal: WalState): void;
  observeAlerting(alerting: Alerting["state"]): void;
  observeRetention(janitor: JanitorState): void;
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
  const ignored = meter.createCounter("signalbox_collector_log_records_ignored", {
    description: "Log records that spans repeat, or of emitters that are not known: accepted and not stored",
  });
  const dataPoints = meter.createCounter("signalbox_collector_data_points_received", {
    description: "Data points of OTLP metrics: accepted and not stored, because calls, tokens and cost are counted from spans and logs",
  });
  const noise = meter.createCounter("signalbox_collector_spans_noise", { description: "Spans that their dialect drops as noise" });
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
  for (const counter of [received, refused, ignored, dataPoints, noise, stored, duplicate, unavailable]) counter.add(0);

  return {
    received: (spans) => received.add(spans),
    refused: (spans) => refused.add(spans),
    logsIgnored: (records) => ignored.add(records),
    dataPoints: (points) => dataPoints.add(points),
    noise: (spans) => noise.add(spans),
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
    observeFanOut(destinations) {
      const gauge = (name: string, description: string, read: (state: DestinationState) => number) =>
        meter.createObservableGauge(`signalbox_collector_fan_out_${name}`, { description }).addCallback((result) => {
          for (const state of destinations) result.observe(read(state), { destination: state.name });
        });
      const counter = (name: string, description: string) =>
        meter.createObservableCounter(`signalbox_collector_fan_out_${name}`, { description });
      gauge("queue_spans", "Spans that wait for a destination", (state) => state.queuedSpans);
      gauge("queue_bytes", "Bytes that wait for a destination", (state) => state.queuedBytes);
      gauge("breaker_open", "1 while a destination is taken to be down", (state) => Number(state.breakerOpen));
      counter("spans_sent", "Spans that a destination took").addCallback((result) => {
        for (const state of destinations) result.observe(state.sentSpans, { destination: state.name });
      });
      counter("retries", "Pushes that failed and are made again").addCallback((result) => {
        for (const state of destinations) result.observe(state.retries, { destination: state.name });
      });
      counter("spans_dropped", "Spans that a destination will not get, by reason").addCallback((result) => {
        for (const { name, dropped } of destinations) {
          for (const [reason, spans] of Object.entries(dropped)) result.observe(spans, { destination: name, reason });
        }
      });
    },
    observeWal(wal) {
      const gauge = (name: string, description: string, read: () => number) =>
        meter.createObservableGauge(`signalbox_collector_wal_${name}`, { description }).addCallback((result) => result.observe(read()));
      gauge("bytes", "Bytes of the write-ahead log on disk", () => wal.bytes);
      gauge("backlog_records", "Accepted requests that wait on disk for the store", () => wal.backlogRecords);
      meter
        .createObservableCounter("signalbox_collector_wal_spans_refused", {
          description: "Spans that Postgres refused for good after they were accepted: see the folder refused of the log",
        })
        .addCallback((result) => result.observe(wal.refusedSpans));
    },
    observeAlerting({ engine, courier }) {
      const counter = (name: string, description: string, read: () => number) =>
        meter
          .createObservableCounter(`signalbox_collector_alerting_${name}`, { description })
          .addCallback((result) => result.observe(read()));
      meter
        .createObservableGauge("signalbox_collector_alerting_leading", { description: "1 while this collector evaluates the rules" })
        .addCallback((result) => result.observe(Number(engine.leading)));
      counter("evaluations", "Rules evaluated", () => engine.evaluations);
      counter("failures", "Evaluations that failed", () => engine.failures);
      counter("fired", "Alerts that fired", () => engine.fired);
      counter("dropped_touches", "Changed sessions beyond the bound: then all are looked at", () => engine.droppedTouches);
      counter("deliveries", "Notifications and stops carried out", () => courier.delivered);
      counter("delivery_retries", "Deliveries that failed and are made again", () => courier.retries);
      counter("deliveries_failed", "Deliveries given up", () => courier.failed);
    },
    observeRetention(janitor) {
      meter
        .createObservableCounter("signalbox_collector_retention_deleted_rows", { description: "Rows that were too old, by kind" })
        .addCallback((result) => {
          for (const [kind, rows] of Object.entries(janitor.deleted)) result.observe(rows, { kind });
        });
      meter
        .createObservableCounter("signalbox_collector_retention_failures", { description: "Runs of retention that failed" })
        .addCallback((result) => result.observe(janitor.failures));
    },
    serve: (request, response) => exporter.getMetricsRequestHandler(request, response),
    shutdown: () => provider.shutdown(),
  };
}
