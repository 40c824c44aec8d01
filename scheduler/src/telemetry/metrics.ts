/** `/metrics`: what an autoscaler and an operator ask of the scheduler. Counters are moved off the path, from the records. */

import type http from "node:http";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { SLA_CLASSES } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import type { AdmissionService } from "../admission/service.ts";
import type { ReplyStore } from "../cache/reply-store.ts";
import type { ConfigStatus } from "../config/follow.ts";
import { emptyMap, getOrMake } from "../get-or-make.ts";
import type { Keeper } from "../learned/keeper.ts";
import type { Payloads } from "../payloads/payloads.ts";
import { DEFAULT_CONFIDENCE } from "../placement/correction.ts";
import type { Pool } from "../pools/pool.ts";
import { hoursOf } from "../pools/pool-hours.ts";
import type { ProbeResult } from "../pools/probe.ts";
import type { ShadowOutcome } from "../shadow/shadow.ts";
import type { Telemetry } from "./export.ts";
import { Histogram, MetricsExporter } from "./histograms.ts";
import { type DecisionRecord, epochNow } from "./record.ts";

export interface SchedulerMetrics {
  onRecord(record: DecisionRecord): void;
  onShadow(route: string, outcome: ShadowOutcome): void;
  onSemanticSkip(): void;
  serve(request: http.IncomingMessage, response: http.ServerResponse): void;
  close(): Promise<void>;
}

const OVERHEAD_BOUNDARIES_SECONDS = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1];
const LATENCY_BOUNDARIES_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface MetricsSources {
  pools: () => readonly Pool[];
  dropped: () => Telemetry["dropped"] & { hooks: number };
  /** Undefined where bodies of calls are not kept. */
  droppedPayloads: () => Payloads["dropped"] | undefined;
  admission: Pick<AdmissionService, "database" | "ledger" | "controls" | "inFlight">;
  replies: Pick<ReplyStore, "entries" | "bytes" | "dropped">;
  config: () => ConfigStatus;
  retriesRefused: () => number;
  keeper: Pick<Keeper, "failures">;
}

export function createMetrics({
  pools,
  dropped,
  droppedPayloads,
  admission,
  replies,
  config,
  retriesRefused,
  keeper,
}: MetricsSources): SchedulerMetrics {
  const overhead = new Histogram({
    name: "signalbox_overhead_seconds",
    description: "Time from a request's arrival to its dispatch, less its wait for a slot",
    boundaries: OVERHEAD_BOUNDARIES_SECONDS,
  });
  const duration = new Histogram({
    name: "signalbox_request_duration_seconds",
    description: "Time from a request's arrival to its end",
    boundaries: LATENCY_BOUNDARIES_SECONDS,
    label: "pool",
  });
  const exporter = new MetricsExporter([overhead, duration]);
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter("signalbox-scheduler");
  /** Added up here: an instrument of OpenTelemetry makes a text of a measurement's labels each time, 1 µs a request. */
  const requests = new Map<string, Map<string, Map<number, { count: number }>>>();
  meter.createObservableCounter("signalbox_requests", { description: "Requests by pool, route and status" }).addCallback((result) => {
    for (const [pool, routes] of requests)
      for (const [route, statuses] of routes) for (const [status, { count }] of statuses) result.observe(count, { pool, route, status });
  });
  const misses = meter.createCounter("signalbox_sla_misses", { description: "Requests that missed their class, by pool and class" });
  const gauge = (name: string, description: string, read: (pool: Pool) => number) =>
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      for (const pool of pools()) result.observe(read(pool), { pool: pool.name, silicon: pool.silicon });
    });
  gauge("signalbox_queue_depth", "Calls waiting for a slot", (pool) => pool.gate.queued);
  gauge("signalbox_active_calls", "Calls that hold a slot", (pool) => pool.gate.active);
  gauge("signalbox_slots", "Slots", (pool) => pool.gate.slots);
  gauge("signalbox_queue_limit", "Calls that may wait", (pool) => pool.gate.queueLimit);
  gauge("signalbox_pending_prefill_tokens", "Prompt tokens of calls that hold a slot, still to be evaluated (predicted)", (pool) =>
    Math.round(pool.load?.pendingPrefillTokens(epochNow()) ?? 0),
  );
  const counter = (name: string, description: string, observe: (pool: Pool, add: (value: number, labels?: object) => void) => void) =>
    meter.createObservableCounter(name, { description }).addCallback((result) => {
      for (const pool of pools())
        observe(pool, (value, labels) => result.observe(value, { pool: pool.name, silicon: pool.silicon, ...labels }));
    });
  counter("signalbox_pool_busy_seconds", "Time in which at least one call ran; its rate is the busy share", (pool, add) =>
    add(pool.clock.busyMs(epochNow()) / 1000),
  );
  counter("signalbox_pool_call_seconds", "Time of all calls, summed; its rate ÷ slots is the share of slots taken", (pool, add) =>
    add(pool.clock.callMs(epochNow()) / 1000),
  );
  counter("signalbox_pool_hours_usd", "Cost of pools that are paid by the hour: used and idle add up to what is paid", (pool, add) => {
    const { cost } = hoursOf(pool, epochNow());
    if (!cost) return;
    add(nanousdToUsd(cost.used), { state: "used" });
    add(nanousdToUsd(cost.idle), { state: "idle" });
  });
  meter
    .createObservableGauge("signalbox_prediction_ratio", {
      description: "What predictions are multiplied by to be right nine times in ten: actual ÷ predicted of the last calls",
    })
    .addCallback((result) => {
      for (const { name, speed } of pools()) {
        for (const slaClass of SLA_CLASSES) {
          for (const part of ["ttft", "tpot"] as const) {
            result.observe(speed.correction.ratio(part, slaClass, DEFAULT_CONFIDENCE), { pool: name, class: slaClass, part });
          }
        }
      }
    });
  gauge("signalbox_pool_up", "1 while the pool can serve", (pool) =>
    pool.connection.state.kind === "healthy" && pool.breaker.unavailable === undefined ? 1 : 0,
  );
  gauge("signalbox_breaker_open", "1 while no call may go to the pool, 0.5 while one tries it", (pool) =>
    pool.breaker.state === "closed" ? 0 : pool.breaker.state === "open" ? 1 : 0.5,
  );
  const probed = (name: string, description: string, read: (last: ProbeResult) => number) =>
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      for (const { name: pool, silicon, connection } of pools()) {
        const last = connection.probe?.last;
        if (last) result.observe(read(last), { pool, silicon });
      }
    });
  probed("signalbox_probe_success", "1 where the engine answered its last probe as it should", ({ error }) =>
    error === undefined ? 1 : 0,
  );
  probed("signalbox_probe_seconds", "Time that the last probe took", ({ ms }) => ms / 1000);
  probed("signalbox_probe_timestamp_seconds", "When the last probe was sent, since the epoch", ({ at }) => at / 1000);
  counter("signalbox_probes", "Probes by result", ({ connection: { probe } }, add) => {
    if (!probe) return;
    add(probe.asked - probe.failed, { result: "answered" });
    add(probe.failed, { result: "failed" });
  });
  const retries = meter.createCounter("signalbox_further_attempts", { description: "Attempts after a request's first, by why and pool" });
  const count = (name: string, description: string, read: () => number) =>
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(read()));
  if (admission.database() !== "none") {
    count("signalbox_database_up", "1 while budgets and stops are in step with Postgres", () => (admission.database() === "up" ? 1 : 0));
  }
  count("signalbox_calls_in_flight", "Calls admitted and not ended", () => admission.inFlight.size);
  count(
    "signalbox_retries_refused",
    "Failovers and hedges that the retry budget did not grant, since the config was applied",
    retriesRefused,
  );
  count("signalbox_sessions_stopped", "Sessions and agents that are killed or paused", () => admission.controls.stopped().length);
  count("signalbox_settlements_pending", "Costs of calls that Postgres has not taken yet", () => admission.ledger.pending);
  count(
    "signalbox_settlements_dropped",
    "Costs of calls that were dropped: their worst case stays reserved",
    () => admission.ledger.dropped,
  );
  meter
    .createObservableCounter("signalbox_telemetry_dropped", {
      description: "Decision records, and facts that hooks told, that never reached the collector",
    })
    .addCallback((result) => {
      result.observe(dropped().full, { reason: "full" });
      result.observe(dropped().unsent, { reason: "unsent" });
      result.observe(dropped().hooks, { reason: "hooks" });
    });

  meter
    .createObservableCounter("signalbox_payloads_dropped", { description: "Bodies of calls that are not kept" })
    .addCallback((result) => {
      const bodies = droppedPayloads();
      if (!bodies) return;
      result.observe(bodies.full, { reason: "full" });
      result.observe(bodies.unsent, { reason: "unsent" });
    });

  count("signalbox_cache_entries", "Replies that are kept", () => replies.entries);
  count("signalbox_cache_bytes", "Bytes of the replies that are kept", () => replies.bytes);
  count("signalbox_config_last_reload_successful", "1 while the config file as it is now is in force", () =>
    config().problems.length === 0 ? 1 : 0,
  );
  const total = (name: string, description: string, read: () => number) =>
    meter.createObservableCounter(name, { description }).addCallback((result) => result.observe(read()));
  total("signalbox_learned_failures", "Times that what was learned of pools could not be read or written", () => keeper.failures);
  total("signalbox_cache_dropped", "Replies that were pushed out of the cache, or were too large for it", () => replies.dropped);
  meter.createObservableCounter("signalbox_config_reloads", { description: "Config reloads by result" }).addCallback((result) => {
    result.observe(config().applied - 1, { result: "applied" });
    result.observe(config().refused, { result: "refused" });
  });
  const cacheHits = meter.createCounter("signalbox_cache_hits", { description: "Requests answered from the reply cache, by kind" });
  const saved = meter.createCounter("signalbox_cache_saved_nanousd", { description: "What the cached replies cost when they were made" });
  const shadows = meter.createCounter("signalbox_shadow_requests", {
    description: "Copies of requests that were due, by route and result",
  });
  const skips = meter.createCounter("signalbox_semantic_skipped", { description: "Requests that went on without their vector" });

  function countRequest(pool: string, route: string, status: number): void {
    const statuses = getOrMake(
      getOrMake(requests, pool, emptyMap<string, Map<number, { count: number }>>),
      route,
      emptyMap<number, { count: number }>,
    );
    getOrMake(statuses, status, () => ({ count: 0 })).count++;
  }

  return {
    onShadow: (route, result) => shadows.add(1, { route, result }),
    onSemanticSkip: () => skips.add(1),
    onRecord(record) {
      const pool = record.cached ? "cache" : (record.attempts.at(-1)?.offer.pool ?? "none");
      if (record.cached) {
        cacheHits.add(1, { kind: record.cached.kind });
        saved.add(record.cached.savedNanousd ?? 0);
      }
      countRequest(pool, record.intent.route, record.status);
      for (const { why, offer } of record.attempts) if (why !== "first") retries.add(1, { why, pool: offer.pool });
      if (record.slaMet === false) misses.add(1, { pool, class: record.intent.sla.class });
      overhead.record(record.overheadMs / 1000);
      duration.record((record.endedAt - record.startedAt) / 1000, pool);
    },
    serve: (request, response) => exporter.getMetricsRequestHandler(request, response),
    close: () => provider.shutdown(),
  };
}
