/**
 * Which llama.cpp pool holds which session's state, and how it gets to another: a session that is placed elsewhere than before takes its
 * evaluated prompt along, if both pools run the same model in a context of the same shape.
 */

import { createHash } from "node:crypto";
import { parseTraceparent } from "@signalbox/otel/trace-context";
import type { Identity } from "../../admission/identity.ts";
import { scopedId } from "../../admission/scoped-id.ts";
import type { Log } from "../../log.ts";
import { newSpanId, newTraceId } from "../../telemetry/ids.ts";
import type { MigrationRecord } from "../../telemetry/migration.ts";
import { epochNow } from "../../telemetry/record.ts";
import type { Conversation, PoolSessions, SessionCall, WarmState } from "../connection.ts";
import { type KvTier, SESSION_HEADER, type TierMove, type WorkerStatus } from "./protocol.ts";
import type { WorkerClient } from "./worker-client.ts";
import { type WatchHandlers, type WorkerWatch, watchWorker } from "./worker-watch.ts";

/** Sessions whose place is remembered; the state of others is evaluated again where they come up next. */
const MAX_SESSIONS = 10_000;
/** Taken for a worker that has not restored anything yet: measured on two virtual cores, checksum included. */
const ASSUMED_RESTORE_MS_PER_MB = 2;

/** What names no session makes none: one call each. */
const ONE_CALL_SESSION = "t:";

export interface SessionRegistry {
  readonly hosts: Set<SessionHost>;
  /** By key, the one that came up longest ago first. */
  readonly known: Map<string, KnownSession>;
  readonly onMigration: (record: MigrationRecord) => void;
  readonly log: Log;
  /** A session or an agent has ended, of one project, or in all of them: its state goes, in every tier. */
  forget(id: string, project: string | undefined): Promise<void>;
}

/** A pool's part in it. */
export interface SessionHost extends PoolSessions {
  readonly pool: string;
  readonly client: WorkerClient | undefined;
  readonly status: WorkerStatus | undefined;
  attach(client: WorkerClient): void;
  detach(): Promise<void>;
  refresh(): Promise<WorkerStatus>;
  /** Brings a session's state here. @returns whether there was something to bring @throws WorkerError; the socket's error */
  bring(key: string, from: SessionHost, reason: MigrationRecord["reason"], call?: SessionCall): Promise<boolean>;
}

interface KnownSession {
  identity: Identity;
  host: SessionHost;
}

export function createSessionRegistry(onMigration: (record: MigrationRecord) => void, log: Log): SessionRegistry {
  const known: SessionRegistry["known"] = new Map();
  const registry: SessionRegistry = {
    hosts: new Set(),
    known,
    onMigration,
    log,
    async forget(id, project) {
      const isOf = (identity: Identity) => project === undefined || identity.project === project;
      const ended = [...known].filter(([, { identity }]) => (identity.session === id || identity.agent === id) && isOf(identity));
      for (const [key] of ended) known.delete(key);
      await Promise.all(
        ended.flatMap(([key]) =>
          [...registry.hosts].map(async ({ pool, client }) => client?.forget(key).catch(failed(log, pool, "forget"))),
        ),
      );
    },
  };
  return registry;
}

/** 32 hex digits: ids of sessions are no file names, and not every operator's business. */
const sessionKey = ({ project, session, agent }: Conversation): string =>
  createHash("sha256")
    .update(`${scopedId(project, session)}\0${agent}`)
    .digest("hex")
    .slice(0, 32);

export function createSessionHost(
  pool: string,
  registry: SessionRegistry,
  handlers: Partial<Pick<WatchHandlers, "onStatus" | "onError">> = {},
): SessionHost {
  const { known, hosts, onMigration, log } = registry;
  let client: WorkerClient | undefined;
  let watch: WorkerWatch | undefined;

  const host: SessionHost = {
    pool,
    get client() {
      return client;
    },
    get status() {
      return watch?.status;
    },
    attach(next) {
      client = next;
      hosts.add(host);
      watch = watchWorker(next, { onStatus: () => {}, onError: () => {}, ...handlers, onMove: noteTierMove });
    },
    async detach() {
      watch?.stop();
      const former = client;
      client = undefined;
      hosts.delete(host);
      await former?.close();
    },
    refresh: () => watch?.refresh() ?? Promise.reject(new Error(`pool ${pool} is not up`)),
    async prepare(call) {
      const { identity, operation } = call;
      if (operation !== "chat" || identity.session.startsWith(ONE_CALL_SESSION)) return [];
      const key = sessionKey(identity);
      const before = known.get(key)?.host;
      note(key, identity);
      if (before && before !== host) await bring(key, before, "placement", call).catch(failed(log, pool, "move"));
      return [SESSION_HEADER, key];
    },
    warm(identity) {
      const key = sessionKey(identity);
      const from = known.get(key)?.host;
      const state = from?.status?.sessions.find((session) => session.key === key);
      if (!from || !state || (from !== host && !alike(from, host))) return undefined;
      return warmState(state.tokens, state.tier, state.bytes, from, from !== host);
    },
    async moveAll() {
      const result = { moved: 0, kept: 0 };
      const { sessions = [] } = (await host.refresh().catch(() => undefined)) ?? {};
      for (const { key, tokens, bytes } of sessions) {
        const size = bytes ?? tokens * (host.status?.bytes_per_token ?? 0);
        const target = roomiest(size);
        const moved = target && (await target.bring(key, host, "drain").catch(failed(log, pool, "move")));
        if (!moved) {
          result.kept++;
          continue;
        }
        result.moved++;
        const session = known.get(key);
        if (session) known.set(key, { ...session, host: target });
        await target.refresh().catch(() => {});
      }
      return result;
    },
    get held() {
      const status = host.status;
      if (!status) return undefined;
      const count = (tier: KvTier) => status.sessions.filter((session) => session.tier === tier).length;
      return { live: count("live"), ram: count("ram"), file: count("file"), ...status.kv };
    },
    closed: false,
    bring,
  };

  function note(key: string, identity: Identity): void {
    known.delete(key);
    known.set(key, { identity, host });
    for (const oldest of known.keys()) {
      if (known.size <= MAX_SESSIONS) break;
      known.delete(oldest);
    }
  }

  /** Of the pools that can go on with our sessions. */
  function roomiest(bytes: number): SessionHost | undefined {
    const room = ({ status }: SessionHost) => status?.room_bytes ?? 0;
    return [...hosts]
      .filter((other) => other !== host && !other.closed && alike(host, other) && room(other) > bytes)
      .sort((a, b) => room(b) - room(a))[0];
  }

  async function bring(key: string, from: SessionHost, reason: MigrationRecord["reason"], call?: SessionCall): Promise<boolean> {
    if (!client || !from.client || !alike(from, host)) return false;
    const startedAt = epochNow();
    const moved = await transfer(key, from.client, client);
    if (!moved) return false;
    const { tokens, bytes, tier } = moved.state;
    // What is left there is of no more use: state is in one place at a time.
    await from.client.forget(key).catch(failed(log, from.pool, "forget"));
    onMigration({
      kind: "migration",
      traceId: call?.traceId ?? newTraceId(),
      parentSpanId: call?.spanId,
      spanId: newSpanId(),
      identity: known.get(key)?.identity,
      reason,
      pool,
      fromPool: from.pool,
      fromTier: tier,
      toTier: moved.tier,
      tokens,
      bytes,
      startedAt,
      endedAt: epochNow(),
    });
    return true;
  }

  function noteTierMove({ key, from, to, tokens, bytes, startedAt, ms, traceparent }: TierMove): void {
    const parent = parseTraceparent(traceparent);
    onMigration({
      kind: "migration",
      traceId: parent?.traceId ?? newTraceId(),
      parentSpanId: parent?.spanId,
      spanId: newSpanId(),
      identity: known.get(key)?.identity,
      reason: to === "live" ? "restore" : "eviction",
      pool,
      fromPool: pool,
      fromTier: from,
      toTier: to,
      tokens,
      bytes,
      startedAt,
      endedAt: startedAt + ms,
    });
  }

  return host;
}

function alike(a: SessionHost, b: SessionHost): boolean {
  return a.status !== undefined && a.status.identity === b.status?.identity;
}

async function transfer(key: string, from: WorkerClient, to: WorkerClient) {
  if (!from.local || !to.local) return from.copyState(key, to);
  const state = await from.exportState(key);
  return state && { state, tier: await to.importState(key, state) };
}

function warmState(tokens: number, tier: KvTier, bytes: number | undefined, { status }: SessionHost, elsewhere: boolean): WarmState {
  if (tier === "live" && !elsewhere) return { tokens, tier, restoreMs: 0 };
  const size = bytes ?? (status?.bytes_per_token === undefined ? undefined : status.bytes_per_token * tokens);
  const perMb = status?.restore_ms_per_mb ?? ASSUMED_RESTORE_MS_PER_MB;
  // From another pool it is written out, handed over and loaded: about twice a restore.
  const restoreMs = size === undefined ? undefined : (size / 1e6) * perMb * (elsewhere ? 2 : 1);
  return { tokens, tier, restoreMs };
}

/** A move that fails costs a prompt evaluated again, and no call. */
const failed = (log: Log, pool: string, what: string) => (error: Error) => {
  log.warn("session state was not moved: it is evaluated again", { pool, what, reason: error.message });
  return false;
};
