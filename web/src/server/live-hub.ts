import { NotifyChannel, plainId } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { LiveEvent, type LiveIngest, type LivePools, type LiveState } from "../api/live.ts";
import { connectionOptions } from "./database.ts";
import { environment } from "./environment.ts";
import { livePools } from "./live-pools.ts";
import { log } from "./log.ts";

/**
 * One LISTEN connection for the whole process, shared by every open tab. Commits are gathered for a quarter of a second and
 * sent as one event, so that a thousand commits a second are four events.
 */
const BATCH_MS = 250;
/** Above this many changed sessions in one batch, tabs are told "all". */
const MAX_NAMED_SESSIONS = 200;
const RETRY_MS = 1_000;
const PROBE_MS = 2_000;
/** Queues move without any span arriving: the scheduler is asked for all tabs at once. */
const POOLS_MS = 5_000;

export type LiveListener = (event: string, data: object) => void;

class LiveHub {
  #listeners = new Set<LiveListener>();
  #sql: postgres.Sql | undefined;
  #state: LiveState = { database: "down" };
  #sessions = new Set<string>();
  #spans = 0;
  #all = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #probe: ReturnType<typeof setInterval> | undefined;
  #poolWatch: ReturnType<typeof setInterval> | undefined;
  /** As it was sent last. */
  #pools: { text: string; event: LivePools } | undefined;

  /** Begins to listen with the first tab and stops with the last. Returns how to leave. */
  subscribe(listener: LiveListener): () => void {
    this.#listeners.add(listener);
    listener(LiveEvent.state, this.#state);
    if (this.#pools) listener(LiveEvent.pools, this.#pools.event);
    if (this.#listeners.size === 1) {
      void this.#connect();
      void this.#watchPools();
      this.#poolWatch = setInterval(() => void this.#watchPools(), POOLS_MS);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) void this.close();
    };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    clearInterval(this.#probe);
    clearInterval(this.#poolWatch);
    this.#timer = undefined;
    this.#pools = undefined;
    this.#state = { database: "down" };
    const sql = this.#sql;
    this.#sql = undefined;
    await sql?.end({ timeout: 1 }).catch(() => {});
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#retry);
    clearInterval(this.#probe);
    const sql = postgres(environment.databaseUrl(), { ...connectionOptions(), max: 1, idle_timeout: 0, max_lifetime: null });
    this.#sql = sql;
    try {
      // the driver reconnects by itself and calls this again each time LISTEN stands
      await sql.listen(
        NotifyChannel.ingest,
        (payload) => this.#gather(payload),
        () => this.#setState("up"),
      );
      await sql.listen(NotifyChannel.control, (payload) => this.#gatherControl(payload));
      // an alert fired, or a rule changed: no session did
      await sql.listen(NotifyChannel.alerts, () => this.#flushSoon());
      this.#probe = setInterval(() => void this.#check(sql), PROBE_MS);
    } catch (error) {
      await sql.end({ timeout: 0 }).catch(() => {});
      if (this.#sql !== sql || this.#listeners.size === 0) return;
      if (this.#state.database === "up")
        log("warn", "live updates paused", { error: error instanceof Error ? error.message : String(error) });
      this.#setState("down");
      this.#retry = setTimeout(() => void this.#connect(), RETRY_MS);
    }
  }

  /** The driver says nothing when a LISTEN connection drops: a probe on its own connection does. */
  async #check(sql: postgres.Sql): Promise<void> {
    const answered = await Promise.race([
      sql`select 1`.then(
        () => true,
        () => false,
      ),
      new Promise<false>((resolve) => setTimeout(resolve, PROBE_MS - 100, false)),
    ]);
    if (this.#sql !== sql) return;
    if (!answered) this.#setState("down");
    else if (this.#state.database === "down") this.#setState("up");
  }

  async #watchPools(): Promise<void> {
    const { pools, problem } = await livePools();
    const now = Object.fromEntries(pools.map(({ name, silicon: _, hardware: __, ...state }) => [name, state]));
    const event: LivePools = { now, scheduler: { reachable: problem === null, problem } };
    const text = JSON.stringify(event);
    if (this.#listeners.size === 0 || text === this.#pools?.text) return;
    this.#pools = { text, event };
    this.#send(LiveEvent.pools, event);
  }

  #setState(database: LiveState["database"]): void {
    if (this.#state.database === database) return;
    this.#state = { database };
    this.#send(LiveEvent.state, this.#state);
  }

  #gather(payload: string): void {
    try {
      const { sessions, spans } = JSON.parse(payload) as { sessions?: unknown; spans?: unknown };
      if (Array.isArray(sessions)) {
        for (const session of sessions) this.#sessions.add(String(session));
        // the writer cuts its list at 50: a full one may have lost some
        if (sessions.length >= 50) this.#all = true;
      } else this.#all = true;
      if (typeof spans === "number") this.#spans += spans;
    } catch {
      this.#all = true;
    }
    this.#flushSoon();
  }

  /** A session was stopped or goes on: it changed, though no span of it arrived. */
  #gatherControl(payload: string): void {
    try {
      const { session } = JSON.parse(payload) as { session?: unknown };
      // stored under either: see the collector's migration 000014
      if (typeof session === "string") this.#sessions.add(session).add(plainId(session));
      else this.#all = true;
    } catch {
      this.#all = true;
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    const all = this.#all || this.#sessions.size > MAX_NAMED_SESSIONS;
    const event: LiveIngest = { sessions: all ? [] : [...this.#sessions], spans: this.#spans, all };
    this.#timer = undefined;
    this.#sessions.clear();
    this.#spans = 0;
    this.#all = false;
    this.#send(LiveEvent.ingest, event);
  }

  #send(event: string, data: object): void {
    for (const listener of this.#listeners) listener(event, data);
  }
}

const shared = globalThis as typeof globalThis & { signalboxLiveHub?: LiveHub };

export function liveHub(): LiveHub {
  shared.signalboxLiveHub ??= new LiveHub();
  return shared.signalboxLiveHub;
}
