/** Where what was learned is kept: rows of a table, or a file. Both hold few rows, the latest. */

import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Database } from "../admission/postgres/database.ts";
import type { Log } from "../log.ts";

export interface LearnedRow {
  /** A pool as it is configured, or all replies: see `subjectOf`. */
  subject: string;
  /** The pool's name; null: not of one pool. */
  pool: string | null;
  version: number;
  /** When the last call ended that it was learned from, milliseconds since the epoch. */
  learnedAt: number;
  /** See `state.ts`. */
  state: string;
}

/** Every method rejects where the store is away. */
export interface LearnedStore {
  read(): Promise<LearnedRow[]>;
  /** In place of those of the same subjects, where these are of later calls. Drops rows that were learned before `notBefore`. */
  write(rows: readonly LearnedRow[], notBefore: number): Promise<void>;
  forget(subject: string): Promise<void>;
}

/** As many pools as anybody has in a week, with all the configs they had. */
const MAX_ROWS = 256;

const READ = `
select subject, pool, version, extract(epoch from learned_at)::float8 * 1000 as "learnedAt", state from signalbox.learned
order by learned_at desc limit ${MAX_ROWS}`;
// A clock that was ahead must not hold a row for ever.
const WRITE = `
insert into signalbox.learned as l (subject, pool, version, learned_at, state)
select subject, pool, version, to_timestamp("learnedAt" / 1000), state
from jsonb_to_recordset($1::text::jsonb) as r(subject text, pool text, version integer, "learnedAt" float8, state text)
on conflict (subject) do update
  set pool = excluded.pool, version = excluded.version, learned_at = excluded.learned_at, state = excluded.state
  where l.learned_at <= excluded.learned_at or l.learned_at > now()`;
const PRUNE = `
delete from signalbox.learned where learned_at < to_timestamp($1::float8 / 1000)
  or subject in (select subject from signalbox.learned order by learned_at desc offset ${MAX_ROWS})`;
const FORGET = `delete from signalbox.learned where subject = $1`;

export function createPostgresStore(database: Database): LearnedStore {
  return {
    read: () => database.run((query) => query<LearnedRow>(READ)),
    write: (rows, notBefore) =>
      database.run(async (query) => {
        await query(WRITE, [JSON.stringify(rows)]);
        await query(PRUNE, [notBefore]);
      }),
    forget: (subject) => database.run(async (query) => void (await query(FORGET, [subject]))),
  };
}

const fileSchema = z.array(
  z.object({ subject: z.string(), pool: z.string().nullable(), version: z.number(), learnedAt: z.number(), state: z.string() }),
);

/** `learned.json` in the state folder. One scheduler's: of two the last that writes wins. */
export function createFileStore(home: string, log: Log): LearnedStore {
  const file = path.join(home, "learned.json");

  /** Nothing where the file holds nothing of use: it is replaced. */
  async function read(): Promise<LearnedRow[]> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "[]";
      throw error;
    });
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch {
      log.warn("what was learned before is not read: the file is not of this scheduler's", { file });
      return [];
    }
  }
  async function replace(rows: readonly LearnedRow[]): Promise<void> {
    const next = `${file}.${process.pid}`;
    await writeFile(next, JSON.stringify(rows), { mode: 0o600 });
    await rename(next, file);
  }

  return {
    read,
    async write(rows, notBefore) {
      const bySubject = new Map([...(await read()), ...rows].map((row) => [row.subject, row]));
      const kept = [...bySubject.values()].filter(({ learnedAt }) => learnedAt >= notBefore);
      await replace(kept.sort((a, b) => b.learnedAt - a.learnedAt).slice(0, MAX_ROWS));
    },
    async forget(subject) {
      await replace((await read()).filter((row) => row.subject !== subject));
    },
  };
}
