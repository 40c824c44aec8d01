import postgres from "postgres";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { ROLLUP_TABLES } from "../support/rollup-tables.ts";

/** 2026-11-20T10:00:00Z in nanoseconds. */
export const START_NANOS = 1_763_632_800_000_000_000n + 31_536_000_000_000_000n;
export const NOW = Number(START_NANOS / 1_000_000n);

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** A collector on a free port whose clock stands near START_NANOS. */
export function testCollector(databaseUrl: string, yaml = "", environment: Record<string, string> = {}): Promise<Collector> {
  const config = parseConfig(yaml, "test.yaml", environment);
  return startCollector({ host: "127.0.0.1", port: 0, grpcPort: 0, databaseUrl, config, log: silent, now: () => NOW });
}

/** Waits until /readyz says 200. */
export async function untilReady(url: string, seconds = 40): Promise<void> {
  let answer = "";
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; ) {
    const response = await fetch(`${url}/readyz`).catch((error: Error) => error);
    if (response instanceof Response && response.ok) return;
    answer = response instanceof Response ? await response.text() : String(response);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} was not ready after ${seconds} s: ${answer}`);
}

export type Json = Record<string, unknown>;
type Value = string | number | boolean;

const anyValue = (value: Value): Json => {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
};

export const attributes = (values: Record<string, Value>): Json[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));

export interface TestSpan {
  trace: number;
  id: number;
  parent?: number;
  name?: string;
  /** milliseconds after START_NANOS */
  at?: number;
  ms?: number;
  error?: string;
  attributes?: Record<string, Value>;
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

export function span(from: TestSpan): Json {
  const start = START_NANOS + BigInt(Math.round((from.at ?? 0) * 1e6)) + BigInt(from.id % 1000);
  return {
    traceId: hex(from.trace, 32),
    spanId: hex(from.id, 16),
    ...(from.parent === undefined ? {} : { parentSpanId: hex(from.parent, 16) }),
    name: from.name ?? "span",
    kind: 1,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round((from.ms ?? 5) * 1e6))),
    attributes: attributes(from.attributes ?? {}),
    ...(from.error === undefined ? {} : { status: { code: 2, message: from.error } }),
  };
}

export const request = (spans: Json[], resource: Record<string, Value> = { "service.name": "test" }): Json => ({
  resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ scope: { name: "test", version: "1" }, spans }] }],
});

export async function post(url: string, body: unknown, headers: Record<string, string> = {}, path = "/v1/traces") {
  const text = typeof body === "string" || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body);
  const response = await fetch(url + path, { method: "POST", body: text, headers: { "content-type": "application/json", ...headers } });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

const TABLES = [
  "spans",
  "sessions",
  "agents",
  "session_aliases",
  "messages",
  "span_messages",
  "memory_accesses",
  "session_memory",
  ...ROLLUP_TABLES,
];

/** Every row of every table, as JSON, sorted: two equal dumps are the same database. */
export async function dump(databaseUrl: string): Promise<Record<string, unknown[]>> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const result: Record<string, unknown[]> = {};
    for (const table of TABLES) {
      const rows = await sql.unsafe(`select to_jsonb(t) as row from signalbox.${table} t order by to_jsonb(t)::text`);
      result[table] = rows.map((row) => row.row);
    }
    return result;
  } finally {
    await sql.end();
  }
}

const HOUR_COUNTERS = /^(?:calls|errors|sla_(?:met|missed)|.*_tokens|.*_nusd|unknown_cost_calls|duration_ns|busy_ms)$/;

/** The rollups added up over slots, which only say who wrote a row. */
export function withoutSlots(tables: Record<string, unknown[]>): Record<string, unknown[]> {
  const added = (rows: unknown[] = []) => {
    const sums = new Map<string, Record<string, number>>();
    for (const row of rows as Json[]) {
      const entries = Object.entries(row).filter(([name]) => name !== "slot");
      const key = JSON.stringify(entries.filter(([name]) => !HOUR_COUNTERS.test(name)));
      const sum = sums.get(key) ?? {};
      for (const [name, value] of entries) if (HOUR_COUNTERS.test(name)) sum[name] = (sum[name] ?? 0) + Number(value);
      sums.set(key, sum);
    }
    return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  };
  const rollups = TABLES.filter((table) => /_(?:hour|minute)$/.test(table));
  return { ...tables, ...Object.fromEntries(rollups.map((table) => [table, added(tables[table])])) };
}

export async function emptyTables(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql.unsafe(`truncate ${[...TABLES, "rollup_days", "memory_days", "memory_day"].map((table) => `signalbox.${table}`).join(", ")}`);
  await sql.end();
}
