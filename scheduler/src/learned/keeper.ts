/**
 * What placement has learned outlives the process: read before the first placement, written each minute where calls were seen, and at an
 * orderly end. Never on a request's path; what cannot be written is counted, logged and tried again.
 */

import { setImmediate as othersGo } from "node:timers/promises";
import type { LearningConfig } from "../config/learning-schema.ts";
import type { Log } from "../log.ts";
import type { OutputLengths } from "../placement/output-lengths.ts";
import { CORRECTION_LASTS_MS, type Pool } from "../pools/pool.ts";
import type { LearnedPool } from "../pools/speed.ts";
import { lengthsOfText, poolOfText, STATE_VERSION, textOfLengths, textOfPool } from "./state.ts";
import type { LearnedRow, LearnedStore } from "./store.ts";

export interface Keeper {
  /** Reads what was kept. Where that cannot be done now it is tried again before each write. Never rejects. */
  load(): Promise<void>;
  /** What was kept of a pool, as far as it can be read and is not too old. */
  learnedOf(subject: string): LearnedPool | undefined;
  /** From now on these are written. */
  begin(pools: () => readonly Pool[]): void;
  configure(config: LearningConfig): void;
  /** Of one pool, here and where it is kept. @throws where the store is away: nothing is forgotten then */
  forget(pool: Pool): Promise<void>;
  /** Times that it could not be written. */
  readonly failures: number;
  close(): Promise<void>;
}

export interface KeeperOptions {
  store: LearnedStore;
  lengths: OutputLengths;
  config: LearningConfig;
  everyMs: number;
  log: Log;
}

const OUTPUT_LENGTHS = "output-lengths";
const DAY_MS = 86_400_000;

export function createKeeper({ store, lengths, config: first, everyMs, log }: KeeperOptions): Keeper {
  let config = first;
  let loaded = false;
  let pools: (() => readonly Pool[]) | undefined;
  let begunAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let failing = false;
  /** As last read or written, by subject. */
  const known = new Map<string, LearnedRow>();
  const writtenAt = new Map<string, number>();
  /** Expected lengths as they were last read or written: they are not written again. */
  let lengthsText = textOfLengths(lengths.state());
  const untaught = lengthsText;
  /** One thing after the other: the end of the last. */
  let turn: Promise<unknown> = Promise.resolve();

  const oldestBelieved = () => Date.now() - config.max_age_days * DAY_MS;

  /** @returns undefined where it is too old, or says so in the log where it is not to be read */
  function readable<State>(subject: string, parse: (text: string) => State): State | undefined {
    const row = known.get(subject);
    if (config.keep === "off" || row === undefined || row.learnedAt < oldestBelieved()) return undefined;
    try {
      if (row.version !== STATE_VERSION) throw new Error(`it is of version ${row.version}, and ${STATE_VERSION} is read`);
      return parse(row.state);
    } catch (error) {
      known.delete(subject);
      const reason = (error as Error).message.replaceAll(/\s+/g, " ").slice(0, 200);
      log.warn("what was learned before is not read: it is learned anew", { of: row.pool ?? subject, reason });
      return undefined;
    }
  }

  const learnedOf = (subject: string) => readable(subject, poolOfText);

  /** Pools that came before what was kept of them; one that has seen calls since knows better. */
  function teach(): void {
    for (const pool of pools?.() ?? []) {
      const learned = pool.speed.calls === 0 && learnedOf(pool.subject);
      if (learned) pool.restore(learned);
    }
    const expected = textOfLengths(lengths.state()) === untaught && readable(OUTPUT_LENGTHS, lengthsOfText);
    if (!expected) return;
    lengths.restore(expected);
    lengthsText = textOfLengths(lengths.state());
  }

  async function load(): Promise<void> {
    if (loaded || config.keep === "off") return;
    try {
      for (const row of await store.read()) known.set(row.subject, row);
      loaded = true;
    } catch (error) {
      return failed("what was learned before could not be read yet", error);
    }
    failing = false;
    teach();
  }

  function failed(what: string, error: unknown): void {
    failures++;
    if (!failing) log.warn(what, { reason: (error as Error).message });
    failing = true;
  }

  /** Also without a call, while corrections are being forgotten: what is kept forgets them too. */
  function isDue({ subject, speed }: Pool): boolean {
    const before = writtenAt.get(subject) ?? Number.NEGATIVE_INFINITY;
    return Math.max(begunAt, speed.learnedUntil ?? 0) + CORRECTION_LASTS_MS > before;
  }

  async function rowsOf(all: boolean): Promise<LearnedRow[]> {
    const rows: LearnedRow[] = [];
    for (const pool of pools?.() ?? []) {
      // The text of one takes a millisecond: requests go between.
      await othersGo();
      const learned = all || isDue(pool) ? pool.speed.learned() : undefined;
      if (!learned) continue;
      const { subject, name } = pool;
      rows.push({ subject, pool: name, version: STATE_VERSION, learnedAt: learned.until, state: textOfPool(learned) });
    }
    const state = textOfLengths(lengths.state());
    if (state !== lengthsText) rows.push({ subject: OUTPUT_LENGTHS, pool: null, version: STATE_VERSION, learnedAt: Date.now(), state });
    return rows;
  }

  async function save(all: boolean): Promise<void> {
    if (config.keep === "off") return;
    // What was kept is not replaced by less before it was read.
    await load();
    if (!loaded) return;
    const rows = await rowsOf(all);
    if (rows.length === 0) return;
    const at = Date.now();
    try {
      await store.write(rows, oldestBelieved());
    } catch (error) {
      return failed("what was learned could not be written: it is tried again", error);
    }
    failing = false;
    for (const row of rows) {
      known.set(row.subject, row);
      writtenAt.set(row.subject, at);
      if (row.subject === OUTPUT_LENGTHS) lengthsText = row.state;
    }
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  return {
    load: () => inTurn(load),
    learnedOf,
    begin(current) {
      pools = current;
      begunAt = Date.now();
      timer = setInterval(() => void inTurn(() => save(false)), everyMs);
      timer.unref();
    },
    configure(next) {
      config = next;
    },
    forget: ({ subject, speed }) =>
      inTurn(async () => {
        await store.forget(subject);
        known.delete(subject);
        writtenAt.delete(subject);
        speed.forget();
      }),
    get failures() {
      return failures;
    },
    async close() {
      clearInterval(timer);
      await inTurn(() => save(true));
    },
  };
}
