import { NotifyChannel } from "@signalbox/otel/conventions";
import { COPY_MESSAGES, COPY_SPAN_MESSAGES, COPY_SPANS, CREATE_STAGE } from "../sql/stage.ts";
import { STORE_BATCH } from "../sql/store-batch.ts";
import { COPY_HEADER, COPY_TRAILER } from "./copy-writer.ts";
import type { EncodedBatch } from "./encode-batch.ts";
import type { Partitions } from "./partitions.ts";
import { type Connection, ConnectionLost, connect } from "./postgres-connection.ts";

/** The store's rollups fit into memory; no batch is worth compiling a query for. */
const SESSION_SETTINGS = { work_mem: "64MB", temp_buffers: "64MB", jit: false };
const NOTIFY = "select pg_notify($1, $2)";
const MAX_NOTIFY_BYTES = 7_900;

/** Writes groups of batches, one transaction each. */
export interface Writer {
  connection: Connection;
  /**
   * Resolves when the group is committed, with the number of spans that were not stored before.
   * @throws ConnectionLost, or the driver's PostgresError; then nothing of the group is stored, or (the connection lost while
   * committing) all of it: to write it again is right in both cases.
   */
  write(group: EncodedBatch[]): Promise<number>;
}

export async function openWriter(databaseUrl: string, slot: number, partitions: Partitions): Promise<Writer> {
  const connection = await connect(databaseUrl, SESSION_SETTINGS);
  await connection.run(CREATE_STAGE);

  async function transaction(group: EncodedBatch[]): Promise<number> {
    // what needs no answer is sent together: while others are decoded, an answer waits for its turn
    await Promise.all([connection.run("begin"), connection.copy(COPY_SPANS, rowsOf(group.map((batch) => batch.spans)))]);
    const messages = group.flatMap((batch) => batch.messages ?? []);
    if (messages.length > 0) {
      await connection.copy(COPY_MESSAGES, rowsOf(messages));
      await connection.copy(COPY_SPAN_MESSAGES, rowsOf(group.flatMap((batch) => batch.spanMessages ?? [])));
    }
    const [stored] = await connection.query<{ inserted: number; sessions: string[] }>(STORE_BATCH, [slot]);
    if (stored === undefined) throw new Error("the store's statement answered nothing");
    const notified = stored.inserted > 0 && connection.query(NOTIFY, [NotifyChannel.ingest, notification(stored)]);
    await Promise.all([notified, connection.run("commit")]);
    return stored.inserted;
  }

  return {
    connection,
    async write(group) {
      await partitions.ensure(connection, new Set(group.flatMap((batch) => [...batch.days])));
      try {
        return await transaction(group);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) await connection.run("rollback");
        throw error;
      }
    },
  };
}

const rowsOf = (rows: Buffer[]): Buffer[] => [COPY_HEADER, ...rows, COPY_TRAILER];

/** What NOTIFY can carry; readers that need all sessions look at what changed. */
function notification({ inserted, sessions }: { inserted: number; sessions: string[] }): string {
  for (let count = sessions.length; ; count--) {
    const payload = JSON.stringify({ sessions: sessions.slice(0, count), spans: inserted });
    if (count === 0 || Buffer.byteLength(payload) <= MAX_NOTIFY_BYTES) return payload;
  }
}
