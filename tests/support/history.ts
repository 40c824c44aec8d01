import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import type { FixtureFile } from "../agents/capture/fixture-folder.ts";

/** Tokens as a file says them, reckoned here apart from what the product does. */
export interface FileTotals {
  calls: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
}

export const noTotals = (): FileTotals => ({ calls: 0, input: 0, cacheRead: 0, cacheWrite: 0, output: 0 });

export function addTotals(into: FileTotals, from: FileTotals): FileTotals {
  for (const name of Object.keys(into) as (keyof FileTotals)[]) into[name] += from[name];
  return into;
}

interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens?: number;
  cache_creation_input_tokens?: number;
  cached_input_tokens?: number;
  cache_write_input_tokens?: number;
}

interface Entry {
  type: string;
  message?: { id?: string; model?: string; usage?: Usage };
  payload?: { response_id?: string; usage?: Usage };
}

/** Puts the transcripts of a captured scenario below `home`, as the agent left them. Returns what they add up to. */
export function writeTranscripts(fixture: FixtureFile, home: string): FileTotals {
  const files = new Map<string, Entry[]>();
  for (const record of fixture.records) {
    if (record.kind !== "transcript") continue;
    files.set(record.file, [...(files.get(record.file) ?? []), record.entry as Entry]);
  }
  for (const [file, entries] of files) writeLines(join(home, file), entries);
  const calls = new Map<string, Omit<FileTotals, "calls">>();
  for (const { type, message, payload } of [...files.values()].flat()) {
    if (type === "assistant" && message?.usage && message.id && message.model !== "<synthetic>") {
      const { input_tokens: uncached, output_tokens: output, cache_read_input_tokens: cacheRead = 0 } = message.usage;
      const cacheWrite = message.usage.cache_creation_input_tokens ?? 0;
      calls.set(message.id, { input: uncached + cacheRead + cacheWrite, cacheRead, cacheWrite, output });
    }
    if (type === "token_usage_record" && payload?.usage && payload.response_id) {
      const { input_tokens: input, output_tokens: output, cached_input_tokens: cacheRead = 0 } = payload.usage;
      calls.set(payload.response_id, { input, cacheRead, cacheWrite: payload.usage.cache_write_input_tokens ?? 0, output });
    }
  }
  return [...calls.values()].reduce<FileTotals>((sum, call) => addTotals(sum, { calls: 1, ...call }), noTotals());
}

export function writeLines(path: string, entries: unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`);
}

/** The database of an OpenClaw agent with the captured rows, the long ones compressed as it does. */
export function writeOpenclawDatabase(stateDir: string): FileTotals {
  const [, ...lines] = readFileSync(new URL("../fixtures/openclaw-history/2026.9.6.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n");
  const path = join(stateDir, "agents/main/agent/openclaw-agent.sqlite");
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(`create table session_windows (session_id text primary key, session_key text, created_at integer, updated_at integer,
      spawned_by text, display_name text);
    create table transcript_events (session_id text, seq integer, event_json text, event_zstd blob, event_utf8_bytes integer)`);
  const totals = noTotals();
  for (const line of lines) {
    const { table, row } = JSON.parse(line) as { table: string; row: Record<string, string | number | null> & { event?: OpenclawEvent } };
    if (table === "session_windows") {
      const { session_id, session_key, created_at, updated_at, spawned_by, display_name } = row;
      database
        .prepare("insert into session_windows values (?, ?, ?, ?, ?, ?)")
        .run(...([session_id, session_key, created_at, updated_at, spawned_by, display_name] as (string | number | null)[]));
      continue;
    }
    const text = JSON.stringify(row.event);
    const compressed = row.compressed ? zstdCompressSync(text) : null;
    database
      .prepare("insert into transcript_events values (?, ?, ?, ?, ?)")
      .run(String(row.session_id), Number(row.seq), compressed === null ? text : null, compressed, Buffer.byteLength(text));
    const usage = row.event?.message?.role === "assistant" ? row.event.message.usage : undefined;
    if (usage === undefined) continue;
    const { input, output, cacheRead, cacheWrite } = usage;
    addTotals(totals, { calls: 1, input: input + cacheRead + cacheWrite, cacheRead, cacheWrite, output });
  }
  database.close();
  return totals;
}

interface OpenclawEvent {
  message?: { role: string; usage?: { input: number; output: number; cacheRead: number; cacheWrite: number } };
}

/** So many sessions of Claude Code and Codex, each of a few turns with tools; what they add up to. */
export function writeGenerated(home: string, sessions: number): FileTotals {
  const totals = noTotals();
  for (let number = 0; number < sessions; number++) {
    addTotals(totals, number % 2 === 0 ? writeClaudeSession(home, number) : writeCodexSession(home, number));
  }
  return totals;
}

const FROM = Date.parse("2026-08-01T00:00:00Z");
const uuid = (kind: string, number: number) => `${kind.padEnd(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`;
/** Sessions spread over a month, an entry each second. */
const clock = (number: number) => {
  let ms = FROM + number * 2_500_000;
  return () => {
    ms += 1_000;
    return new Date(ms).toISOString();
  };
};

function writeClaudeSession(home: string, number: number): FileTotals {
  const now = clock(number);
  const sessionId = uuid("c1a0de", number);
  const totals = noTotals();
  const entries: object[] = [];
  for (let turn = 0; turn < 2 + (number % 3); turn++) {
    const common = () => ({ sessionId, timestamp: now(), promptId: uuid(`a${turn}`, number) });
    entries.push({ ...common(), type: "user", uuid: uuid(`b${turn}`, number), message: { role: "user", content: `prompt ${turn}` } });
    const usage = {
      input_tokens: 100 + number,
      cache_read_input_tokens: 10 * turn,
      cache_creation_input_tokens: 7,
      output_tokens: 20 + turn,
    };
    const answer = (block: object, part: string) => ({
      ...common(),
      type: "assistant",
      requestId: `req_${number}_${turn}_${part}`,
      message: { id: `msg_${number}_${turn}_${part}`, model: "claude-sonnet-4-5", role: "assistant", content: [block], usage },
    });
    const toolId = `toolu_${number}_${turn}`;
    entries.push(answer({ type: "text", text: "I look" }, "a"), answer({ type: "tool_use", id: toolId, name: "Bash", input: {} }, "a"));
    entries.push({ ...common(), type: "user", message: { content: [{ type: "tool_result", tool_use_id: toolId, content: "done" }] } });
    entries.push(answer({ type: "text", text: "that is it" }, "b"));
    const { input_tokens: input, cache_read_input_tokens: cacheRead, cache_creation_input_tokens: cacheWrite } = usage;
    const each = { input: input + cacheRead + cacheWrite, cacheRead, cacheWrite, output: usage.output_tokens };
    addTotals(addTotals(totals, { calls: 1, ...each }), { calls: 1, ...each });
  }
  writeLines(join(home, `.claude/projects/-home-user-p${number % 7}/${sessionId}.jsonl`), entries);
  return totals;
}

function writeCodexSession(home: string, number: number): FileTotals {
  const now = clock(number);
  const id = uuid("c0de", number);
  const totals = noTotals();
  const entries: object[] = [
    { timestamp: now(), type: "session_meta", payload: { id, session_id: id, model_provider: "openai" } },
    { timestamp: now(), type: "turn_context", payload: { model: "gpt-5-codex" } },
  ];
  const usage = { input_tokens: 1_000 + number, cached_input_tokens: 500, output_tokens: 30, reasoning_output_tokens: 10 };
  const turn_id = uuid("d", number);
  entries.push({ timestamp: now(), type: "event_msg", payload: { type: "task_started", turn_id, root_turn_id: turn_id } });
  for (let call = 0; call < 3; call++) {
    const call_id = `call_${number}_${call}`;
    entries.push({ timestamp: now(), type: "response_item", payload: { type: "function_call", name: "shell", arguments: "{}", call_id } });
    const payload = { thread_id: id, turn_id, response_id: `resp_${number}_${call}`, usage };
    entries.push({ timestamp: now(), type: "token_usage_record", payload });
    entries.push({ timestamp: now(), type: "response_item", payload: { type: "function_call_output", call_id, output: "ok" } });
    addTotals(totals, { calls: 1, input: usage.input_tokens, cacheRead: 500, cacheWrite: 0, output: 30 });
  }
  entries.push({ timestamp: now(), type: "event_msg", payload: { type: "task_complete", turn_id } });
  writeLines(join(home, `.codex/sessions/2026/08/01/rollout-${number}-${id}.jsonl`), entries);
  return totals;
}
