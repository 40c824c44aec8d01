/** The scheduler as a whole: pools, endpoints, telemetry. Reads no environment: `main.ts` does. */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { DEFAULT_KEEP_ALIVE_MS } from "@signalbox/otel/conventions";
import { followPrices } from "@signalbox/otel/prices";
import { createAdmissionService } from "./admission/service.ts";
import { createReplyStore } from "./cache/reply-store.ts";
import { type ChatDependencies, createChatHandler } from "./chat.ts";
import { followConfig } from "./config/follow.ts";
import type { Environment } from "./config/references.ts";
import { waitsForRestart } from "./config/restart.ts";
import { type Config, ConfigError } from "./config.ts";
import { configure } from "./configured.ts";
import { createControlApi } from "./control/api.ts";
import { createRecentDecisions } from "./control/decisions.ts";
import { createCountTokens } from "./count-tokens.ts";
import { CHAT, EMBEDDINGS, MESSAGES, RESPONSES } from "./endpoints.ts";
import { createGenerations } from "./generations.ts";
import { createClaudeCodeHook } from "./hooks/claude-code.ts";
import { createHookFacts } from "./hooks/claude-code-facts.ts";
import { badRequest, HttpError } from "./http/errors.ts";
import type { Handler, NodeHandler } from "./http/messages.ts";
import { sendError, sendJson } from "./http/send.ts";
import { takeHotPath } from "./http/wire/server.ts";
import { createKeeper } from "./learned/keeper.ts";
import { createFileStore, createPostgresStore } from "./learned/store.ts";
import { createLog, type Log } from "./log.ts";
import { startPayloads } from "./payloads/payloads.ts";
import { createOutputLengths } from "./placement/output-lengths.ts";
import { createSessionRegistry } from "./pools/llama-cpp/sessions.ts";
import type { Pool } from "./pools/pool.ts";
import { createShadows } from "./shadow/shadow.ts";
import { startTelemetry } from "./telemetry/export.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import type { DecisionRecord } from "./telemetry/record.ts";
import { policyText } from "./what-if/policy-text.ts";
import { createSimulations } from "./what-if/simulations.ts";

export interface SchedulerOptions {
  config: Config;
  /** The state folder: worker sockets and the demo model. */
  home: string;
  /** Where the config was read: followed, and read again when it changes. */
  configFile?: string;
  /** What paths in the config are relative to. Default: the working directory. */
  configDirectory?: string;
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  /** The admin token. */
  token?: string;
  /** Base URL of the OTLP/HTTP receiver that decision spans go to. */
  otlpEndpoint?: string;
  /** Keeps budgets and stops; without one they are forgotten at the end. */
  databaseUrl?: string;
  /** Where `api_key_env` and `key_env` are looked up. */
  environment?: Environment;
  limits?: Partial<SchedulerLimits>;
  /** What was found on this machine, in words, where nobody configured it. */
  found?: readonly string[];
  log?: Log;
}

export interface Scheduler {
  url: string;
  /** Reads the config file again; what is wrong with it is logged, and the config before it stays. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

export interface SchedulerLimits {
  maxBodyBytes: number;
  /** Milliseconds a call may wait for a slot. */
  queueTimeoutMs: number;
  /** Decision records kept while the collector is away. */
  records: number;
  /** Milliseconds that calls in flight get to end when the scheduler stops. */
  drainMs: number;
  /** Milliseconds that a client's idle connection is kept; it is told so. */
  keepAliveMs: number;
  /** Milliseconds between two writes of what was learned. */
  keepLearnedMs: number;
}

const DEFAULT_LIMITS: SchedulerLimits = {
  maxBodyBytes: 32 << 20,
  queueTimeoutMs: 30_000,
  records: 16_384,
  drainMs: 5_000,
  keepAliveMs: DEFAULT_KEEP_ALIVE_MS,
  keepLearnedMs: 60_000,
};
/** What the last spans get to leave in: a collector that is away must not hold up the end. */
const TELEMETRY_CLOSE_MS = 1_000;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/**
 * Resolves when the port listens; pools may still be starting then, `/readyz` says when they are up.
 * @throws the listen error (`EADDRINUSE`, …)
 */
export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { config, home, host = "127.0.0.1", port = 0, token, environment = {}, log = createLog() } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };

  const record = (decision: DecisionRecord) => {
    decisions.note(decision);
    telemetry.record(decision);
  };
  const loopback = LOOPBACK.test(host);
  const prices = ownPrices(home, log);
  const decisions = createRecentDecisions();
  const admission = createAdmissionService({ config, databaseUrl: options.databaseUrl, decidedOn: decisions.has, log });
  const sessions = createSessionRegistry((migration) => telemetry.record(migration), log);
  const configuring = {
    sessions,
    prices,
    home,
    configDirectory: options.configDirectory ?? process.cwd(),
    environment,
    queueTimeoutMs: limits.queueTimeoutMs,
    log,
    token,
    loopback,
    admitAside: admission.admitAside,
    record,
    storedKey: (digest: string) => admission.storedKey(digest),
    onSemanticSkip: () => metrics.onSemanticSkip(),
    learnedOf: (subject: string) => keeper.learnedOf(subject),
  };
  const replies = createReplyStore(config.cache);
  const lengths = createOutputLengths();
  const { postgres } = admission;
  const store = postgres ? createPostgresStore(postgres) : createFileStore(home, log);
  const keeper = createKeeper({ store, lengths, config: config.learning, everyMs: limits.keepLearnedMs, log });
  admission.events.subscribe({
    name: undefined,
    send({ type, data }) {
      if (type !== "session.killed") return true;
      const { session, descendants, project } = data as { session: string; descendants: string[]; project?: string };
      for (const id of [session, ...descendants]) void sessions.forget(id, project);
      return true;
    },
    end() {},
  });
  await admission.start();
  await keeper.load();
  const server = http.createServer({ keepAliveTimeout: limits.keepAliveMs });
  server.listen(port, host);
  await once(server, "listening");

  const endpoint = options.otlpEndpoint ?? "http://127.0.0.1:4318";
  const facts = createHookFacts({ endpoint, token, log });
  const telemetry = startTelemetry({
    endpoint,
    token,
    onRecord: (decision) => metrics.onRecord(decision),
    log,
    capacity: limits.records,
  });
  const payloads =
    (config.content.raw ?? (loopback ? "on" : "off")) === "on"
      ? startPayloads({
          endpoint,
          token,
          maxBytes: config.content.max_body_bytes,
          maxHeldBytes: config.content.max_held_bytes,
          log,
        })
      : undefined;
  const pools = () => generations.current.pools;
  const gatekeeper = () => generations.current.gatekeeper;
  const retriesRefused = () => generations.current.resilience.retries.refused;
  const metrics = createMetrics({
    pools,
    dropped: () => ({ ...telemetry.dropped, hooks: facts.dropped }),
    droppedPayloads: () => payloads?.dropped,
    admission,
    replies,
    config: () => follower.status,
    retriesRefused,
    keeper,
  });
  const shadows = createShadows({ admit: admission.admitAside, payloads, record, onOutcome: metrics.onShadow });
  const generations = createGenerations(configure(config, configuring), log);
  keeper.begin(pools);
  const follower = followConfig({
    file: options.configFile,
    environment,
    async apply(next) {
      await generations.replace(configure(next, configuring, generations.current));
      admission.configure(next);
      replies.limit(next.cache);
      keeper.configure(next.learning);
      return waitsForRestart(config, next);
    },
    log,
  });

  const dependencies: ChatDependencies = {
    generations,
    admission: admission.open,
    replies,
    shadows,
    lengths,
    payloads,
    maxBodyBytes: limits.maxBodyBytes,
    record,
    log,
  };
  const found = options.found ?? [];
  const simulations = options.databaseUrl === undefined ? undefined : createSimulations(options.databaseUrl);
  const whatIf = { simulations, policy: () => policyText(generations.current.config, pools()) };
  const control = createControlApi({
    gatekeeper,
    admission,
    pools,
    found,
    config: () => follower.status,
    decisions,
    whatIf,
    keeper,
    log,
  });
  const models: Record<string, Handler> = {
    "/v1/chat/completions": createChatHandler(CHAT, dependencies),
    "/v1/responses": createChatHandler(RESPONSES, dependencies),
    "/v1/messages": createChatHandler(MESSAGES, dependencies),
    "/v1/embeddings": createChatHandler(EMBEDDINGS, dependencies),
  };
  const endpoints: Record<string, NodeHandler> = {
    ...Object.fromEntries(Object.entries(models).map(([path, handle]) => [`POST ${path}`, handle])),
    "POST /v1/messages/count_tokens": createCountTokens({
      refuseStopped: admission.refuseStopped,
      generations,
      maxBodyBytes: limits.maxBodyBytes,
      log,
    }),
    "GET /v1/models": async (request, response) => {
      const { catalog } = generations.current;
      sendJson(response, 200, catalog.list(gatekeeper().admitModel(request.headers).models));
    },
    "POST /hooks/claude-code": createClaudeCodeHook({
      gatekeeper,
      controls: admission.controls,
      facts,
      onEnd: (id, project) => void sessions.forget(id, project),
      log,
    }),
    "GET /healthz": async (_request, response) => sendJson(response, 200, { status: "ok" }),
    "GET /readyz": async (_request, response) => {
      const reason = unreadiness(pools());
      const state = { database: admission.database(), config: follower.status.problems.length > 0 ? "refused" : "ok" };
      sendJson(response, reason ? 503 : 200, { ...(reason ? { status: "unavailable", reason } : { status: "ok" }), ...state });
    },
    "GET /metrics": async (request, response) => metrics.serve(request, response),
  };
  const oneModel: NodeHandler = async (request, response) => {
    const { models } = gatekeeper().admitModel(request.headers);
    const name = request.url?.split("?", 1)[0]?.slice(MODELS.length) ?? "";
    sendJson(response, 200, generations.current.catalog.model(decode(name), models));
  };
  const handlerBelow = (method: string | undefined, path = "") => {
    if (path.startsWith("/control/")) return control;
    return method === "GET" && path.startsWith(MODELS) ? oneModel : unknownEndpoint;
  };
  server.on("request", (request, response) => {
    const { url = "" } = request;
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    const handle = endpoints[`${request.method} ${path}`] ?? handlerBelow(request.method, path);
    handle(request, response).catch((error) => sendError(response, error));
  });
  const hotPath = takeHotPath(server, { handlers: new Map(Object.entries(models)), maxBodyBytes: limits.maxBodyBytes });

  const { address, port: bound } = server.address() as AddressInfo;
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${bound}`;
  log.info("listening", {
    url,
    pools: pools()
      .map((pool) => pool.name)
      .join(","),
  });
  return {
    url,
    reload: follower.reload,
    async close() {
      follower.close();
      prices.close();
      const closed = once(server, "close");
      server.close();
      admission.events.close();
      server.closeIdleConnections();
      hotPath.close();
      const cut = setTimeout(() => {
        server.closeAllConnections();
        hotPath.closeAll();
      }, limits.drainMs);
      await closed;
      clearTimeout(cut);
      await keeper.close();
      await simulations?.close();
      await generations.close();
      await admission.close();
      await Promise.all([telemetry.close(TELEMETRY_CLOSE_MS), facts.close(TELEMETRY_CLOSE_MS), payloads?.close(TELEMETRY_CLOSE_MS)]);
      await metrics.close();
    },
  };
}

const MODELS = "/v1/models/";

/** @throws HttpError 400 */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`"${segment}" is not well encoded`);
  }
}

const unknownEndpoint: NodeHandler = async (request) => {
  throw new HttpError(404, "unknown_endpoint", `there is no ${request.method} ${request.url?.split("?", 1)[0]}`);
};

/** Ready once every pool has come up or failed to, and one at least can serve. */
function unreadiness(pools: readonly Pool[]): string | undefined {
  const states = pools.map(({ connection, breaker }) => (breaker.unavailable ? "unhealthy" : connection.state.kind));
  if (states.includes("healthy") && !states.includes("starting")) return undefined;
  return `pools: ${pools.map((pool, index) => `${pool.name} ${states[index]}`).join(", ")}`;
}

/** @throws ConfigError where the user's prices are wrong. */
function ownPrices(home: string, log: Log): ReturnType<typeof followPrices> {
  try {
    return followPrices(home, log);
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}
