import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Delivery, packer } from "../delivery.ts";
import { type EncodedBatch, isEmpty } from "../exporters/encode-batch.ts";
import type { Store } from "../exporters/postgres-store.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Rewritten } from "../fan-out/rewrite.ts";
import type { Log } from "../log.ts";
import { Unavailable } from "../pipeline.ts";
import { Cursors } from "./cursors.ts";
import type { Position } from "./frame.ts";
import { lockFolder } from "./lock.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { LogFull, openSegmentLog, type SegmentLog } from "./segment-log.ts";

export interface WalConfig {
  dir: string;
  maxBytes: number;
  segmentBytes: number;
}

/** What /metrics tells of the log. */
export interface WalState {
  bytes: number;
  /** Records on disk alone: they are read again when the store has room. */
  backlogRecords: number;
  /** Spans that Postgres refused for good after they were accepted; their records are kept in the folder `refused`. */
  refusedSpans: number;
}

const STORE = "store";
const SAVE_EVERY_MS = 200;
const LOOK_AGAIN_MS = 20;
const RETRY_AFTER_SECONDS = 5;
/** Records that Postgres refused, kept for people to look at. */
const MAX_REFUSED_FILES = 100;

/**
 * The last stage with a log: a batch is accepted when its record is on disk. The store and the destinations then get it from memory, or,
 * where the store has no room or is away, from disk when it has.
 */
export function logFirst(config: WalConfig, store: Store, outlets: FanOut, log: Log): Delivery & { readonly state: WalState } {
  const names = [STORE, ...outlets.destinations.map((destination) => `fan_out/${destination.name}`)];
  /** on disk alone, oldest first */
  const backlog: Position[] = [];
  const state: WalState = {
    get bytes() {
      return segments?.bytes ?? 0;
    },
    get backlogRecords() {
      return backlog.length;
    },
    refusedSpans: 0,
  };
  let segments: SegmentLog | undefined;
  let cursors: Cursors;
  let lock: { release(): Promise<void> } | undefined;
  let unsaved = false;
  let saving: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  let recovering = true;
  let stopping = false;
  /** Requests that come before the log is open wait for it: it needs the disk alone, and is there in moments. */
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {}); // start() throws it
  let draining: Promise<void> | undefined;
  const underWay = new Set<Promise<void>>();
  const { pack, accepted } = packer(outlets);
  const takesNothing = (why: string) => new Unavailable(`the write-ahead log takes nothing now: ${why}`, RETRY_AFTER_SECONDS);

  function settled(name: string, position: Position): void {
    cursors.get(name)?.done(position);
    unsaved = true;
    saving ??= saveNowAndThen();
  }

  /** One at a time: on a busy disk a save takes longer than the pause between two. */
  async function saveNowAndThen(): Promise<void> {
    while (unsaved && !stopping) {
      await sleep(SAVE_EVERY_MS);
      unsaved = false;
      await save().catch((error: Error) => log.warn("the cursors of the write-ahead log were not saved", { error: error.message }));
    }
    saving = undefined;
  }

  async function save(): Promise<void> {
    // while the records of before are looked through, not all that is there has begun
    if (segments === undefined || recovering) return;
    // the space first: on a full disk the cursors need it. Cursors that are behind the log do no harm
    await segments.release(cursors.least(segments.end));
    await cursors.save(segments.end);
  }

  function offer(position: Position, items: ReadonlyMap<string, Rewritten>): void {
    for (const name of items.keys()) cursors.get(`fan_out/${name}`)?.begin(position);
    outlets.offer(items, (name) => settled(`fan_out/${name}`, position));
  }

  function deliver(position: Position, batch: EncodedBatch): void {
    const delivery = store.write(batch).then(
      () => settled(STORE, position),
      async (error: Error) => {
        if (error instanceof Unavailable) {
          backlog.unshift(position);
          wake?.();
        } else await refused(position, batch, error);
      },
    );
    underWay.add(delivery);
    delivery.finally(() => underWay.delete(delivery));
  }

  /** Nothing that was accepted is thrown away: what Postgres will never take is put aside. */
  async function refused(position: Position, batch: EncodedBatch, cause: Error): Promise<void> {
    state.refusedSpans += batch.spanCount;
    const folder = path.join(config.dir, "refused");
    log.error("Postgres refused a batch that was accepted", { spans: batch.spanCount, error: cause.message, kept_in: folder });
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if ((await readdir(folder)).length < MAX_REFUSED_FILES) {
        const payload = await (segments as SegmentLog).read(position);
        await writeFile(path.join(folder, `${position.start}.record`), payload, { mode: 0o600 });
      }
    } catch (error) {
      log.error("a refused batch could not be kept", { error: (error as Error).message });
    }
    settled(STORE, position);
  }

  async function drain(): Promise<void> {
    while (!stopping) {
      const position = backlog.shift();
      if (position === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      try {
        const { batch } = decodeRecord(await (segments as SegmentLog).read(position));
        while (!stopping && !store.hasRoom(batch)) await sleep(LOOK_AGAIN_MS);
        if (stopping) backlog.unshift(position);
        else deliver(position, batch);
      } catch (error) {
        // the disk gave back something else than it was given
        log.error("a record of the write-ahead log is lost", { start: position.start, error: (error as Error).message });
        settled(STORE, position);
      }
    }
  }

  async function recover(opened: SegmentLog, records: Position[], saved: ReadonlyMap<string, number>): Promise<void> {
    for (const position of records) {
      if (position.start >= (saved.get(STORE) ?? 0)) {
        cursors.get(STORE)?.begin(position);
        backlog.push(position);
      }
      if (outlets.destinations.length === 0) continue;
      const { fanOut } = decodeRecord(await opened.read(position));
      for (const [name] of fanOut) if (position.start < (saved.get(`fan_out/${name}`) ?? 0)) fanOut.delete(name);
      offer(position, fanOut);
    }
  }

  async function openLog(): Promise<void> {
    await mkdir(config.dir, { recursive: true, mode: 0o700 });
    lock = await lockFolder(config.dir);
    const saved = await Cursors.saved(config.dir);
    const since = Math.min(...names.map((name) => saved.get(name) ?? 0));
    // no record may stand before a saved cursor, even where nothing of the log is left
    const { log: found, recovered } = await openSegmentLog(config, { since, endAtLeast: Math.max(0, ...saved.values()) });
    segments = found;
    cursors = new Cursors(config.dir, names);
    outlets.start();
    await recover(found, recovered.records, saved);
    recovering = false;
    await save();
    if (recovered.tornBytes > 0) log.warn("the write-ahead log ended in a record that was cut off", { bytes: recovered.tornBytes });
    if (backlog.length > 0) log.info("records of the write-ahead log are stored now", { records: backlog.length });
    draining = drain();
  }

  return {
    state,
    refusal(bytes, others) {
      // a record is smaller than its body, mostly; one of any size is tried where the log is near empty
      const needed = (segments?.bytes ?? 0) + others + Math.min(bytes, config.maxBytes / 2);
      return needed <= config.maxBytes ? null : takesNothing(new LogFull(config.maxBytes).message);
    },
    async start() {
      try {
        await openLog();
      } catch (error) {
        opened.reject(error);
        throw error;
      }
      opened.resolve();
      await store.start();
    },
    async consume(batch) {
      await opened.promise.catch(() => {
        throw new Unavailable("the collector cannot start");
      });
      const { rows, fanOut } = await pack(batch);
      if (isEmpty(rows)) return;
      if (stopping || segments === undefined) throw new Unavailable("the collector is stopping");
      let position: Position;
      try {
        position = await segments.append(encodeRecord({ batch: rows, fanOut }));
      } catch (error) {
        throw takesNothing((error as Error).message);
      }
      accepted(rows);
      cursors.get(STORE)?.begin(position);
      if (backlog.length === 0 && store.hasRoom(rows)) deliver(position, rows);
      else {
        backlog.push(position);
        wake?.();
      }
      offer(position, fanOut);
    },
    async shutdown() {
      stopping = true;
      wake?.();
      await draining;
      await store.shutdown();
      await Promise.all(underWay);
      await outlets.shutdown();
      await saving;
      await save();
      await segments?.close();
      await lock?.release();
    },
  };
}
