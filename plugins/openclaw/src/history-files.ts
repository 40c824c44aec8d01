import { existsSync, readdirSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { type HistoryItem, type HistorySource, readEntry, readJsonLines, type ThreadIdentity } from "@signalbox/otel/history";
import { openclawReader } from "./import.ts";
import { parseSessionKey } from "./session-key.ts";

/** A row of session_windows: one session id that a session key had. */
export interface SessionWindow {
  session_id: string;
  session_key: string;
  /** Milliseconds since the epoch. */
  created_at: number;
  updated_at: number;
  /** The key of the session that spawned it. */
  spawned_by: string | null;
  display_name: string | null;
}

const TRANSCRIPT_FILE = /^(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}).*\.jsonl(?:\.(?:reset|deleted)\.[^/]*)?(?:\.zst)?$/i;
const ZSTD_MAGIC = 0xfd2fb528;
const MAX_DEPTH = 32;

/** Every session in OpenClaw's state folder: its agents' databases with their archives, and transcript files of older versions. */
export async function* openclawHistory(stateDir: string): AsyncGenerator<HistorySource> {
  const root = join(stateDir, "agents");
  if (!existsSync(root)) return;
  for (const agent of readdirSync(root).sort()) {
    const database = join(root, agent, "agent", "openclaw-agent.sqlite");
    if (existsSync(database)) yield* databaseSources(database);
    const sessions = join(root, agent, "sessions");
    if (!existsSync(sessions)) continue;
    for (const name of readdirSync(sessions).sort()) {
      const id = TRANSCRIPT_FILE.exec(name)?.groups?.id;
      if (id === undefined) continue;
      const path = join(sessions, name);
      const { mtimeMs, size } = await stat(path);
      const identity = identityOf({ session_id: id, session_key: `agent:${agent}:main` }, []);
      yield { path, modifiedMs: mtimeMs, bytes: size, read: (options) => readJsonLines(path, openclawReader(identity, options)) };
    }
  }
}

function* databaseSources(path: string): Generator<HistorySource> {
  // the gateway may be writing: a reader of its own sees what was committed
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const windows = database
      .prepare("select session_id, session_key, created_at, updated_at, spawned_by, display_name from session_windows order by created_at")
      .all() as unknown as SessionWindow[];
    for (const window of windows) {
      const identity = identityOf(window, windows);
      const { bytes } = database
        .prepare("select coalesce(sum(event_utf8_bytes), 0) as bytes from transcript_events where session_id = ?")
        .get(window.session_id) as { bytes: number };
      yield {
        path: `${path}#${window.session_id}`,
        modifiedMs: window.updated_at,
        bytes,
        read: ({ content }) => eventsOf(path, window.session_id, identity, content),
      };
    }
    yield* archives(database, path, windows);
  } finally {
    database.close();
  }
}

async function* eventsOf(path: string, sessionId: string, identity: ThreadIdentity, content: boolean): AsyncGenerator<HistoryItem> {
  const reader = openclawReader(identity, { content });
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare("select seq, event_json, event_zstd from transcript_events where session_id = ? order by seq");
    for (const { seq, event_json: json, event_zstd: compressed } of rows.iterate(sessionId)) {
      const text = typeof json === "string" ? json : zstdDecompressSync(compressed as Uint8Array).toString();
      yield readEntry(text, Number(seq), reader);
    }
  } finally {
    database.close();
  }
  yield { spans: reader.end() };
}

const ARCHIVES = `
select session_id, session_key, archive_name, archive_blob, created_at from session_transcript_archives
union all
select cold.session_id, session_key, archive_name, archive_blob, archived_at
from session_transcript_cold_archives cold join session_windows using (session_id) where archive_blob is not null`;

/** Transcripts that were reset, deleted or put away, as far as the database holds them: JSON lines in a blob. */
function* archives(database: DatabaseSync, path: string, windows: readonly SessionWindow[]): Generator<HistorySource> {
  const tables =
    "select count(*) as found from sqlite_master where name in ('session_transcript_archives', 'session_transcript_cold_archives')";
  if ((database.prepare(tables).get() as { found: number }).found < 2) return;
  for (const row of database.prepare(ARCHIVES).iterate()) {
    const blob = row.archive_blob as Uint8Array;
    const known = windows.find((window) => window.session_id === row.session_id);
    const identity = identityOf(known ?? { session_id: String(row.session_id), session_key: String(row.session_key) }, windows);
    yield {
      path: `${path}#${row.archive_name}`,
      modifiedMs: Number(row.created_at),
      bytes: blob.byteLength,
      read: ({ content }) => linesOf(blob, identity, content),
    };
  }
}

async function* linesOf(blob: Uint8Array, identity: ThreadIdentity, content: boolean): AsyncGenerator<HistoryItem> {
  const reader = openclawReader(identity, { content });
  const isCompressed = blob.byteLength > 4 && Buffer.from(blob.buffer, blob.byteOffset, 4).readUInt32LE() === ZSTD_MAGIC;
  const text = (isCompressed ? zstdDecompressSync(blob) : Buffer.from(blob)).toString();
  for (const [index, line] of text.split("\n").entries()) if (line.trim() !== "") yield readEntry(line, index + 1, reader);
  yield { spans: reader.end() };
}

/** Whose a session is: of a sub-agent, the session id that its spawners' root had when it was spawned. */
export function identityOf(
  window: Pick<SessionWindow, "session_id" | "session_key"> & Partial<SessionWindow>,
  windows: readonly SessionWindow[],
): ThreadIdentity {
  const chain = [window];
  for (let child = window; chain.length < MAX_DEPTH; ) {
    const spawner = windows.findLast(
      (other) => other.session_key === child.spawned_by && other.created_at <= (child.created_at ?? Number.MAX_SAFE_INTEGER),
    );
    if (spawner === undefined || chain.includes(spawner)) break;
    chain.push(spawner);
    child = spawner;
  }
  const root = chain.at(-1) ?? window;
  const [, parent] = chain;
  const key = parseSessionKey(root.session_key);
  const shared = {
    sessionId: root.session_id,
    agentKind: "openclaw" as const,
    depth: chain.length - 1,
    ...(key.channel !== undefined && { channel: key.channel }),
    ...((key.kind === "cron" || key.kind === "heartbeat") && { task: key.kind }),
  };
  if (parent === undefined) return { ...shared, agentId: root.session_id, agentName: key.agentName };
  return {
    ...shared,
    agentId: window.session_key,
    parentAgentId: parent === root ? root.session_id : parent.session_key,
    agentName: window.display_name ?? parseSessionKey(window.session_key).agentName,
  };
}
