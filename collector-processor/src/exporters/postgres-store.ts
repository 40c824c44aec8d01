import { setTimeout as sleep } from "node:timers/promises";
import type { Fields, Log } from "../log.ts";
import { migrate } from "../migrate.ts";
import { type Stage, Unavailable } from "../pipeline.ts";
import type { EncodedBatch } from "./encode-batch.ts";
import { dayOf, Partitions } from "./partitions.ts";
import { writeFailure } from "./postgres-errors.ts";
import { openWriter, type Writer } from "./postgres-writer.ts";
import { Unflushed } from "./unflushed.ts";
import { type GroupLimits, type QueueLimits, type Waiting, WriteQueue } from "./write-queue.ts";

export interface StoreConfig {
  databaseUrl: string;
  /** Connections that write at once. */
  writers: number;
  /** Their slots in the rollups are this and the next ones; undefined: each takes a free one. */
  slot: number | undefined;
  queue: QueueLimits;
  group: GroupLimits;
  /** Whether a write waits for the disk at each commit; else it resolves a moment later, when many commits were flushed at once. */
  waitsForDisk: boolean;
  /** Days ahead whose partitions are made before they are needed. */
  partitionDaysAhead: number;
}

/** What the store tells of itself. */
export interface StoreMetrics {
  /** A transaction was committed. */
  stored(batch: { inserted: number; duplicate: number; seconds: number }): void;
  /** The queue before the store, read when metrics are. */
  observeQueue(queue: { spans: number; bytes: number }): void;
}

const RECONNECT_FIRST_MS = 100;
const RECONNECT_MAX_MS = 2_000;
const MAX_ATTEMPTS = 5;
const SHUTDOWN_MS = 5_000;
/** Postgres flushes what was committed every 200 ms. */
const LOOK_AGAIN_MS = 50;
/** Nobody waits for a commit where our own log has the rows: small requests are stored together. */
const GATHER_MS = 40;

export interface Store extends Pick<Stage<EncodedBatch>, "start" | "shutdown"> {
  /** Whether a batch would be taken now. */
  readonly ready: boolean;
  /** Why it would not. */
  readonly reason: string;
  /** Why the queue would take no batch now; null: it may. */
  refusal(): Unavailable | null;
  /** Whether the queue would take this batch now. */
  hasRoom(batch: EncodedBatch): boolean;
  /** Resolves after the commit. @throws Unavailable while no writer is connected, when the queue is full, and when Postgres went away. */
  write(batch: EncodedBatch): Promise<void>;
  /** Migrates, and connects. Resolves with the first attempt; Postgres away: it tries again. @throws when the migrations do not fit the database. */
  start(): Promise<void>;
}

/**
 * The last stage: spans into Postgres. Batches that arrive while a transaction runs make up the next one (group commit).
 */
export function postgresStore(config: StoreConfig, log: Log, metrics: StoreMetrics): Store {
  const queue = new WriteQueue(config.queue);
  const partitions = new Partitions();
  const connected = new Set<Writer>();
  const stopping = new AbortController();
  let loops: Promise<void>[] = [];
  let migrated = false;
  let reason = "not started";
  const tried = Promise.withResolvers<void>();
  metrics.observeQueue(queue);

  async function ensureMigrated(): Promise<void> {
    if (migrated) return;
    const { applied } = await migrate(config.databaseUrl);
    migrated = true;
    if (applied.length > 0) log.info("migrated the database", { applied: applied.join(",") });
  }

  function away(error: Error, fields: Fields): void {
    const problem = writeFailure(error) === "refused" ? "Postgres refuses what it is asked" : "Postgres is not reachable";
    reason = `${problem}: ${error.message}`;
    tried.resolve();
    log.warn(`${problem}, trying again`, { ...fields, error: error.message });
  }

  async function writeLoop(slot: number | undefined): Promise<void> {
    let delay = RECONNECT_FIRST_MS;
    while (!stopping.signal.aborted) {
      try {
        await ensureMigrated();
        const writer = await openWriter({ ...config, slot }, partitions);
        delay = RECONNECT_FIRST_MS;
        await useWriter(writer);
      } catch (error) {
        away(error as Error, { retry_ms: delay });
        await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {});
        delay = Math.min(delay * 2, RECONNECT_MAX_MS);
      }
    }
  }

  /** Returns when the connection is lost, or the queue closed and empty. */
  async function useWriter(writer: Writer): Promise<void> {
    const lost = new AbortController();
    const unflushed = new Unflushed();
    const lookAtDisk = async () => {
      if (!lost.signal.aborted) unflushed.flushed((await writer.logPosition()).flushed);
    };
    writer.connection.onClose(() => {
      lost.abort();
      connected.delete(writer);
      unflushed.rejectAll(unreachable());
      if (connected.size > 0) return;
      reason = "the connection to Postgres was lost";
      queue.rejectAll(unreachable());
    });
    try {
      connected.add(writer);
      tried.resolve();
      for (;;) {
        await partitions.ensure(writer.connection, daysAhead());
        if (unflushed.spans > config.queue.spans || (!unflushed.isEmpty && queue.isEmpty)) {
          await sleep(LOOK_AGAIN_MS);
          await lookAtDisk();
          continue;
        }
        // what waits for the disk is not left waiting because another writer had the work
        const patience = unflushed.isEmpty ? undefined : LOOK_AGAIN_MS;
        const group = await queue.take(config.group, lost.signal, config.waitsForDisk ? 0 : GATHER_MS, patience);
        if (group.length > 0) await writeGroup(writer, group, unflushed).finally(() => queue.settled());
        else if (unflushed.isEmpty || lost.signal.aborted) return;
        else await lookAtDisk();
      }
    } finally {
      connected.delete(writer);
      await writer.connection.close();
    }
  }

  async function writeGroup(writer: Writer, group: Waiting[], unflushed: Unflushed, attempt = 1): Promise<void> {
    const started = performance.now();
    try {
      const { inserted, written, flushed } = await writer.write(group.map((item) => item.batch));
      const spans = group.reduce((sum, item) => sum + item.batch.spanCount, 0);
      metrics.stored({ inserted, duplicate: spans - inserted, seconds: (performance.now() - started) / 1000 });
      unflushed.add(written, group, spans);
      unflushed.flushed(config.waitsForDisk ? written : flushed);
    } catch (error) {
      await recover(writer, group, unflushed, error as Error, attempt);
    }
  }

  async function recover(writer: Writer, group: Waiting[], unflushed: Unflushed, error: Error, attempt: number): Promise<void> {
    const failure = writeFailure(error);
    if (failure === "partition") partitions.forget();
    if ((failure === "partition" || failure === "retry") && attempt < MAX_ATTEMPTS)
      return writeGroup(writer, group, unflushed, attempt + 1);
    if ((failure === "refused" || failure === "unclear") && group.length > 1) {
      // one bad batch must not take the others with it
      for (const item of group) await writeGroup(writer, [item], unflushed);
      return;
    }
    log.error("a batch was not stored", { batches: group.length, failure, error: error.message });
    for (const item of group) item.reject(failure === "refused" ? error : unreachable());
  }

  async function write(batch: EncodedBatch): Promise<void> {
    if (stopping.signal.aborted) throw new Unavailable("the collector is stopping");
    if (connected.size === 0) throw unreachable();
    await new Promise<void>((resolve, reject) => queue.add({ batch, resolve, reject }));
  }

  function daysAhead(): number[] {
    const today = dayOf(Date.now());
    return Array.from({ length: config.partitionDaysAhead + 2 }, (_, index) => today - 1 + index);
  }

  return {
    get ready() {
      return connected.size > 0;
    },
    get reason() {
      return reason;
    },
    async start() {
      try {
        await ensureMigrated();
      } catch (error) {
        if (writeFailure(error) === "refused") throw error;
        away(error as Error, {});
      }
      loops = Array.from({ length: config.writers }, (_, index) => writeLoop(config.slot === undefined ? undefined : config.slot + index));
      await tried.promise;
    },
    refusal: () => queue.refusal(),
    hasRoom: (batch) => connected.size > 0 && queue.hasRoom(batch),
    write,
    async shutdown() {
      stopping.abort();
      queue.close();
      const drained = await Promise.race([Promise.all(loops).then(() => true), sleep(SHUTDOWN_MS, false, { ref: false })]);
      if (!drained) queue.rejectAll(new Unavailable("the collector is stopping"));
    },
  };
}

const unreachable = () => new Unavailable("Postgres is not reachable", 2);
