import { NotifyChannel, Operation, plainId } from "@signalbox/otel/conventions";
import { ADD_COUNTERS } from "../sql/add-counters.ts";
import { DROP_SUPERSEDED, HAS_IMPORTS, LOCK_AS_IMPORT, LOCK_AS_LIVE, REMEMBER_IMPORTED, SUPERSEDE_IMPORTED } from "../sql/imports.ts";
import { ADD_MEMORY_ACCESSES, MEND_MEMORY_TIMES, NAME_MEMORY } from "../sql/memory-accesses.ts";
import { TAKE_OUT_DAYS } from "../sql/rollup-days.ts";
import {
  COPY_MESSAGES,
  COPY_SPAN_MESSAGES,
  CREATE_STAGE,
  copySpans,
  INSERT_MESSAGES,
  INSERT_PAYLOADS,
  INSERT_STAGED,
  STAGE_MESSAGES,
  STAGE_PAYLOADS,
  STAGE_SPAN_MESSAGES,
  STAGE_SPANS,
} from "../sql/stage.ts";
import { countedSpans } from "./copy-reader.ts";
import { COPY_HEADER, COPY_TRAILER } from "./copy-writer.ts";
import type { CountedSpan, SessionCounts } from "./counter-rows.ts";
import { Counters, NOTHING_NEW } from "./counters.ts";
import type { EncodedBatch } from "./encode-batch.ts";
import { agentKey, Identities } from "./identities.ts";
import { type Partitions, spansOfDay } from "./partitions.ts";
import { type Connection, ConnectionLost, connect } from "./postgres-connection.ts";

/** No statement here is worth compiling. */
const SESSION_SETTINGS = { work_mem: "64MB", temp_buffers: "64MB", jit: false };
/** Postgres' log: how far it was written, and how far it is on its disk. Bytes. */
const LOG = "select (pg_current_wal_insert_lsn() - '0/0')::text as written, (pg_current_wal_flush_lsn() - '0/0')::text as flushed";
/**
 * A row that another writer holds while we COPY it is a repeat, which fails this way of writing in any case. Rows stand in the order of
 * arrival here, so two writers may wait for each other: giving up at once spares them Postgres's deadlock timeout, a second.
 */
const BEGIN_WITHOUT_WAITING = `begin; ${LOCK_AS_LIVE}; set local lock_timeout = '10ms'`;
const WAIT_AGAIN = "set local lock_timeout = 0";
/** After a group that was written in vain. */
const DISBELIEF_MS = 10_000;
const NOTIFY = "select pg_notify($1, $2)";
const MAX_NOTIFY_BYTES = 7_900;
const MAX_NOTIFY_SESSIONS = 50;
/** Whose names are remembered to be stored. */
const MAX_NAMED_SESSIONS = 20_000;

/** How far Postgres' own log is, in bytes; asked on the connection that committed, so that no crash lies between. */
export interface LogPosition {
  written: number;
  flushed: number;
}

/** A group that is committed. It is on Postgres' disk, too, once what was `written` then is `flushed`. */
export interface Written extends LogPosition {
  /** Spans that were not stored before. */
  inserted: number;
}

/** Writes groups of batches, one transaction each. */
export interface Writer {
  connection: Connection;
  /** Between two groups. @throws as `write`. */
  logPosition(): Promise<LogPosition>;
  /**
   * Resolves when the group is committed.
   * @throws ConnectionLost, or the driver's PostgresError; then nothing of the group is stored, or (the connection lost while
   * committing) all of it: to write it again is right in both cases.
   */
  write(group: EncodedBatch[]): Promise<Written>;
}

export interface WriterOptions {
  databaseUrl: string;
  /** Its slot in the rollups; undefined: the least that no other writer of the database has, as long as it is connected. */
  slot: number | undefined;
  /** Whether a commit waits for Postgres' disk. Else what is committed may be gone after a crash of Postgres, until it is flushed. */
  waitsForDisk: boolean;
}

export async function openWriter(options: WriterOptions, partitions: Partitions): Promise<Writer> {
  // "on" is left to the server, which may ask for more
  const settings = options.waitsForDisk ? SESSION_SETTINGS : { ...SESSION_SETTINGS, synchronous_commit: "off" };
  const connection = await connect(options.databaseUrl, settings);
  const slot = options.slot ?? (await takeSlot(connection));
  await connection.run(CREATE_STAGE);

  /** What the agents of sessions were said to be called: their files of memory bear it, and nothing is to be done when it is said again. */
  const named = new Map<string, string>();
  /** Before then no message is believed to be new; milliseconds, by `performance.now()`. */
  let believesFrom = 0;

  /**
   * Most groups hold no span that is stored already: they go straight into the table. So do the messages that are believed to be new. A
   * group where one is not fails here as a whole.
   */
  async function writeNew(group: EncodedBatch[]): Promise<Written> {
    // what needs no answer is sent together: while others are decoded, an answer waits for its turn
    const [, imports] = await Promise.all([
      connection.run(BEGIN_WITHOUT_WAITING),
      hasImports(),
      connection.copy(copySpans(tableOf(group)), rowsOf(group.map((batch) => batch.spans))),
    ]);
    // Postgres reads the rows meanwhile
    const identities = identitiesOf(group);
    const counters = Counters.sum(group.map((batch) => batch.counters ?? Counters.of(countedSpans(batch.spans))));
    const messages = messageRows(group, performance.now() >= believesFrom);
    if (hasMessages(group)) await connection.copy(COPY_SPAN_MESSAGES, rowsOf(group.flatMap((batch) => batch.spanMessages ?? [])));
    if (messages.fresh.length > 0) await connection.copy(COPY_MESSAGES, rowsOf(messages.fresh));
    const inserted = group.reduce((sum, batch) => sum + batch.spanCount, 0);
    let sent = connection.run(WAIT_AGAIN);
    // awaited below, unless the bodies, which are refused for the same reason, fail first: then nobody would hear of it
    sent.catch(() => {});
    await writePayloads(group);
    if (messages.others.length > 0) {
      await Promise.all([sent, connection.copy(STAGE_MESSAGES, rowsOf(messages.others))]);
      sent = connection.run(INSERT_MESSAGES);
    }
    const [position] = await Promise.all([finish(identities, counters, imports), sent]);
    return { inserted, ...position };
  }

  /** Stores what is not there yet, and counts only that. */
  async function writeMissing(group: EncodedBatch[]): Promise<Written> {
    await Promise.all([connection.run("begin"), connection.copy(STAGE_SPANS, rowsOf(group.map((batch) => batch.spans)))]);
    if (hasMessages(group)) {
      await connection.copy(STAGE_SPAN_MESSAGES, rowsOf(group.flatMap((batch) => batch.spanMessages ?? [])));
      await connection.copy(STAGE_MESSAGES, rowsOf(group.flatMap((batch) => batch.messages ?? [])));
    }
    const imported = group.some((batch) => batch.imported);
    if (imported) await Promise.all([connection.run(LOCK_AS_IMPORT), connection.run(DROP_SUPERSEDED), connection.run(REMEMBER_IMPORTED)]);
    else await connection.run(LOCK_AS_LIVE);
    const imports = await hasImports();
    await writePayloads(group);
    const inserted = await connection.query<InsertedSpan>(INSERT_STAGED);
    return { inserted: inserted.length, ...(await finish(identitiesOf(group), Counters.of(inserted.map(countedSpan)), imports)) };
  }

  /** Asked under the lock. Where nothing was imported, as is usual, no group looks for what it supersedes. */
  async function hasImports(): Promise<boolean> {
    const [answer] = await connection.query<{ some: boolean }>(HAS_IMPORTS);
    return answer?.some === true;
  }

  /** Of a call that is both imported and live, the live record counts: what was counted of the other is taken away. */
  async function withoutSuperseded(identities: Identities, counters: Counters): Promise<Counters> {
    const { first, last } = identities.period();
    // an imported sub-agent is known by its plain id
    const sessions = new Set(identities.agents().flatMap(({ session_id: id }) => [id, plainId(id)]));
    const gone = await connection.query<InsertedSpan>(SUPERSEDE_IMPORTED, [JSON.stringify([...sessions]), first, last]);
    if (gone.length === 0) return counters;
    if (gone.some(({ operation }) => operation === Operation.memory))
      for (const statement of MEND_MEMORY_TIMES) await connection.run(statement);
    const spans = gone.map(countedSpan);
    for (const span of spans) identities.addStored(span);
    return Counters.difference(counters, Counters.of(spans));
  }

  async function writePayloads(group: EncodedBatch[]): Promise<void> {
    const bodies = group.flatMap((batch) => batch.payloads ?? []);
    if (bodies.length === 0) return;
    await connection.copy(STAGE_PAYLOADS, rowsOf(bodies));
    await connection.run(INSERT_PAYLOADS);
  }

  async function finish(identities: Identities, counted: Counters, imports: boolean): Promise<LogPosition> {
    const counters = imports ? await withoutSuperseded(identities, counted) : counted;
    const agents = counters.agents();
    const sessions = counters.sessions();
    const said = identities.sessions();
    const rows = [
      identities.agents().flatMap((agent) => (agent.agent_id === "" ? [] : { ...agent, ...(agents.get(agentKey(agent)) ?? NOTHING_NEW) })),
      said.map((session) => ({ ...session, ...(sessions.get(session.session_id) ?? NOTHING_NEW) })),
      identities.aliases(),
      counters.sessionHours(),
      counters.routeMinutes(),
      counters.toolMinutes(),
    ];
    const added = connection.query(ADD_COUNTERS, [slot, ...rows.map(json)]);
    const names = said.flatMap(({ session_id, agent_name }) => {
      return agent_name === null || named.get(session_id) === agent_name ? [] : { session_id, agent_name };
    });
    const renamed = names.length > 0 && connection.query(NAME_MEMORY, [JSON.stringify(names)]);
    const memory = counters.memorySpans();
    const remembered = memory.length > 0 && connection.query(ADD_MEMORY_ACCESSES, [JSON.stringify(memory)]);
    const minutes = new Set(counters.routeMinutes().map(({ minute }) => minute));
    const takenOut = minutes.size > 0 && connection.query(TAKE_OUT_DAYS, [JSON.stringify([...minutes])]);
    const notified = sessions.size > 0 && connection.query(NOTIFY, [NotifyChannel.ingest, notification(sessions)]);
    const committed = connection.run("commit");
    const [position] = await Promise.all([logPosition(), added, renamed, remembered, takenOut, notified, committed]);
    if (named.size > MAX_NAMED_SESSIONS) named.clear();
    for (const { session_id, agent_name } of names) named.set(session_id, agent_name);
    return position;
  }

  async function logPosition(): Promise<LogPosition> {
    const [row] = await connection.query<{ written: string; flushed: string }>(LOG);
    return { written: Number(row?.written), flushed: Number(row?.flushed) };
  }

  async function rolledBackOnFailure(work: () => Promise<Written>): Promise<Written> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) await connection.run("rollback");
      throw error;
    }
  }

  return {
    connection,
    logPosition,
    async write(group) {
      await partitions.ensure(connection, new Set(group.flatMap((batch) => [...batch.days])));
      if (!group.some((batch) => batch.repeated || batch.imported)) {
        try {
          return await rolledBackOnFailure(() => writeNew(group));
        } catch (error) {
          if (error instanceof ConnectionLost) throw error;
          // it may have been a message that another collector has stored: then the next groups have such, too
          believesFrom = performance.now() + DISBELIEF_MS;
        }
      }
      return await rolledBackOnFailure(() => writeMissing(group));
    },
  };
}

/** Advisory locks of this class are slots: held by a session, and free again when it ends, however it ends. */
const SLOT_LOCKS = 1_936_289_132;
const TAKE_SLOT = `select slot from generate_series(0, 32000) as slot where pg_try_advisory_lock(${SLOT_LOCKS}, slot) limit 1`;

/** Two writers of one slot would wait for each other's rows; their sums would still be right. */
async function takeSlot(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ slot: number }>(TAKE_SLOT);
  if (row === undefined) throw new Error("no rollup slot is free: more than 32,000 writers on one database");
  return row.slot;
}

/** A row of COUNTED_COLUMNS: the driver hands 64-bit integers on as text. */
type InsertedSpan = { [Name in keyof CountedSpan]: CountedSpan[Name] | string };
const INTEGERS = [
  "start_time",
  "duration_ns",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "baseline_nusd",
] as const;

function countedSpan(row: InsertedSpan): CountedSpan {
  const span = { ...row };
  for (const name of INTEGERS) if (span[name] !== null) span[name] = Number(span[name]);
  return span as CountedSpan;
}

/**
 * Where all spans of a group belong: mostly it is one day, and Postgres need not ask of each row which table is its own. One that is gone
 * since is a failure as any other of this way of writing.
 */
function tableOf(group: EncodedBatch[]): string {
  const days = new Set(group.flatMap((batch) => [...batch.days]));
  const [day] = days;
  return day === undefined || days.size > 1 ? "signalbox.spans" : spansOfDay(day);
}

const rowsOf = (rows: Buffer[]): Buffer[] => [COPY_HEADER, ...rows, COPY_TRAILER];
const identitiesOf = (group: EncodedBatch[]): Identities => Identities.union(group.map((batch) => batch.identities));
const notEmpty = (rows: Buffer): boolean => rows.length > 0;
const hasMessages = (group: EncodedBatch[]): boolean => group.some((batch) => batch.messages !== null);

/** The rows of a group's messages: those that are believed to be new, and all others. */
function messageRows(group: EncodedBatch[], believes: boolean): { fresh: Buffer[]; others: Buffer[] } {
  const parts = group.flatMap(({ messages, newMessageBytes }) => {
    return messages === null ? [] : [{ rows: messages, end: believes ? newMessageBytes : 0 }];
  });
  return {
    fresh: parts.map(({ rows, end }) => rows.subarray(0, end)).filter(notEmpty),
    others: parts.map(({ rows, end }) => rows.subarray(end)).filter(notEmpty),
  };
}

/** Sums beyond 2⁵³ as text, which Postgres reads as well. They are rare, and a replacer costs as much as all the rest. */
function json(rows: unknown[]): string {
  try {
    return JSON.stringify(rows);
  } catch {
    return JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? String(value) : value));
  }
}

/** What NOTIFY can carry; readers that need all sessions look at what changed. */
function notification(sessions: ReadonlyMap<string, SessionCounts>): string {
  const spans = [...sessions.values()].reduce((sum, session) => sum + Number(session.spans), 0);
  const ids = [...sessions.keys()].sort();
  for (let count = Math.min(ids.length, MAX_NOTIFY_SESSIONS); ; count--) {
    const payload = JSON.stringify({ sessions: ids.slice(0, count), spans });
    if (count === 0 || Buffer.byteLength(payload) <= MAX_NOTIFY_BYTES) return payload;
  }
}
