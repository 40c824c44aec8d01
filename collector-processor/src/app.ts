import type { ServerResponse } from "node:http";
import { DEFAULT_KEEP_ALIVE_MS } from "@signalbox/otel/conventions";
import { type Alerting, alerting } from "./alerting/alerting.ts";
import type { CollectorConfig } from "./config.ts";
import { controlApi, type ServeControl } from "./control/control-api.ts";
import { keyRoutes } from "./control/keys-control.ts";
import { settingsRoutes } from "./control/settings-control.ts";
import { viewRoutes } from "./control/views-control.ts";
import { commitFirst, type Delivery } from "./delivery.ts";
import { postgresStore } from "./exporters/postgres-store.ts";
import { type FanOut, fanOut } from "./fan-out/fan-out.ts";
import { fanOutStatus } from "./fan-out/status.ts";
import { type Log, stderrLog } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { attribute } from "./processors/attribute.ts";
import { normalise } from "./processors/normalise.ts";
import { price } from "./processors/price.ts";
import { Admission } from "./receivers/admission.ts";
import { createIntake } from "./receivers/intake.ts";
import { keyCheck } from "./receivers/keys.ts";
import { type Listening, listenHttp, listenHttp2 } from "./receivers/listening.ts";
import { otlpGrpcReceiver } from "./receivers/otlp-grpc.ts";
import { type Endpoints, otlpHttpReceiver } from "./receivers/otlp-http.ts";
import { storedKeys } from "./receivers/stored-keys.ts";
import { janitor } from "./retention/janitor.ts";
import { retentionLimits } from "./retention/limits.ts";
import { logFirst } from "./wal/log-first.ts";

export interface CollectorOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** As port, for OTLP over gRPC; absent: none is served. */
  grpcPort?: number | undefined;
  databaseUrl: string;
  config: CollectorConfig;
  /** Milliseconds that an idle connection is kept. */
  keepAliveMs?: number;
  /** The folder of the write-ahead log; absent: a request is answered when the database has committed it. */
  walDir?: string | undefined;
  log?: Log;
  /** The clock of the window of accepted start times, milliseconds; tests set it. */
  now?: () => number;
}

export interface Collector {
  url: string;
  /** Absent where no gRPC is served. */
  grpcUrl?: string;
  /** Stops accepting, stores what was accepted within 5 s, and lets go of port and database. */
  close(): Promise<void>;
}

/**
 * Listens, migrates the database, and takes spans: with a log from the moment it listens, without one from the moment this resolves. Where
 * Postgres is away it listens all the same and tries again; until it is there, /readyz says 503 and why, and without a log every request is
 * told to come again.
 * @throws when the address needs a key and none is configured, when the migrations do not fit the database, and the system's error
 * (EADDRINUSE, with the port) for a taken port.
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { config, keepAliveMs = DEFAULT_KEEP_ALIVE_MS, log = stderrLog(), now = Date.now } = options;
  const { limits } = config;
  const loopback = isLoopback(options.host);
  if (!loopback && config.keys.length === 0) {
    throw new Error(
      `${options.host} is reachable from outside and no ingest key is configured: set SIGNALBOX_TOKEN, or keys: in signalbox.config.yaml`,
    );
  }
  const metrics = createMetrics();
  const store = postgresStore(
    {
      databaseUrl: options.databaseUrl,
      writers: limits.writers,
      slot: limits.slot,
      queue: { spans: limits.queue_spans, bytes: limits.queue_bytes },
      group: { spans: limits.group_spans, bytes: limits.group_bytes },
      // the log on disk has what Postgres may lose
      waitsForDisk: options.walDir === undefined,
      partitionDaysAhead: limits.partition_days_ahead,
    },
    log,
    metrics,
  );
  const outlets = fanOut(config.fanOut, log);
  metrics.observeFanOut(outlets.destinations);
  function walDelivery(dir: string): Delivery {
    const stage = logFirst({ dir, maxBytes: limits.wal_bytes, segmentBytes: limits.wal_segment_bytes }, store, outlets, log);
    metrics.observeWal(stage.state);
    return stage;
  }
  const alerts = alerting({
    databaseUrl: options.databaseUrl,
    limits: limits.alerting,
    adminToken: config.adminToken,
    schedulerUrl: config.schedulerUrl,
    loopback,
    log,
    now,
  });
  if (alerts !== null) metrics.observeAlerting(alerts.state);
  const kept = retentionLimits({ ...limits.retention, payload_days: limits.payload_days });
  const control =
    config.adminToken === null
      ? null
      : controlApi(CONTROL, [...settingsRoutes(config, kept, outlets), ...keyRoutes, ...viewRoutes], {
          databaseUrl: options.databaseUrl,
          adminToken: config.adminToken,
          log,
        });
  const delivery = options.walDir === undefined ? commitFirst(store, outlets) : walDelivery(options.walDir);
  const pipeline = normalise(
    {
      kept,
      defaultProject: limits.default_project,
      maxFutureDays: limits.max_future_days,
      attributes: {
        count: limits.max_attributes,
        valueCharacters: limits.max_attribute_characters,
        totalCharacters: limits.max_attributes_characters,
      },
      content: {
        capture: limits.content,
        messages: limits.max_messages,
        messageCharacters: limits.max_message_characters,
        rememberedBytes: limits.conversation_cache_bytes,
        payloadBytes: limits.max_payload_bytes,
      },
      maxEvents: limits.max_events,
      keepNoise: limits.keep_noise_spans,
      onNoise: (spans) => metrics.noise(spans),
      now,
    },
    attribute(limits.default_project, price({ baseline: config.baseline, prices: config.prices }, delivery)),
  );

  const { hour, minute_hours: minuteHours, archive_dir: archiveDir } = limits.retention;
  const retention = janitor({ databaseUrl: options.databaseUrl, limits: kept, minuteHours, hour, archiveDir }, log, now);
  metrics.observeRetention(retention.state);
  let started = false;
  const notReady = () => (store.ready ? (started && keys.known ? null : "the collector is starting") : store.reason);
  const admission = new Admission({ maxBytes: limits.max_inflight_bytes, waitMs: limits.max_wait_ms }, delivery.refusal);
  const take = createIntake(admission, pipeline, metrics);
  const keys = storedKeys(options.databaseUrl, log);
  const receiving = { maxBodyBytes: limits.max_body_bytes, checkKey: keyCheck(config.keys, keys, !loopback), keepAliveMs };
  const listening: Listening[] = [];
  const stopAccepting = () => Promise.all(listening.map((server) => server.stop()));
  try {
    // the ports first: who finds one taken must not touch the log of the collector that has it
    const http = await listenHttp(
      otlpHttpReceiver(receiving, take, endpoints({ notReady, metrics, alerts, outlets, control }), log, metrics),
      options.host,
      options.port,
    );
    listening.push(http);
    const grpc =
      options.grpcPort === undefined
        ? undefined
        : await listenHttp2(otlpGrpcReceiver(receiving, take, log, metrics), options.host, options.grpcPort);
    if (grpc !== undefined) listening.push(grpc);
    await pipeline.start();
    await delivery.start();
    alerts?.start();
    retention.start();
    keys.start();
    started = true;
    return {
      url: http.url,
      ...(grpc && { grpcUrl: grpc.url }),
      async close() {
        await Promise.all([stopAccepting(), alerts?.close(), retention.close(), keys.close()]);
        await pipeline.shutdown();
        await delivery.shutdown();
        await metrics.shutdown();
      },
    };
  } catch (error) {
    await stopAccepting();
    await delivery.shutdown();
    throw error;
  }
}

const CONTROL = "/control/";
const ALERTS = "/control/alerts/";

interface EndpointParts {
  /** Says why not, or null. */
  notReady: () => string | null;
  metrics: Metrics;
  alerts: Alerting | null;
  outlets: FanOut;
  control: ServeControl | null;
}

function endpoints({ notReady, metrics, alerts, outlets, control }: EndpointParts): Endpoints {
  return (path) => {
    if (path === "/healthz") return (_request, response) => json(response, 200, { status: "ok" });
    if (path === "/readyz") {
      return (_request, response) => {
        const reason = notReady();
        if (reason === null) json(response, 200, { status: "ready" });
        else json(response, 503, { status: "not ready", reason });
      };
    }
    if (path === "/status") return (_request, response) => json(response, 200, { fan_out: fanOutStatus(outlets.destinations) });
    if (path === "/metrics") return (request, response) => metrics.serve(request, response);
    if (alerts !== null && path.startsWith(ALERTS)) {
      return (request, response) => void alerts.serve(path.slice(ALERTS.length), request, response);
    }
    if (control !== null && path.startsWith(CONTROL)) {
      return (request, response) => void control(path.slice(CONTROL.length), request, response);
    }
    return undefined;
  };
}

function json(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host);
