import { NotifyChannel } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { memoryAccessesOf } from "../../collector-processor/src/sql/memory-accesses.ts";
import { makeFleet, type SeedSpan } from "./seed-fleet.ts";

/**
 * Writes a believable fleet straight into a test database, past the collector: page tests need rows, not a pipeline. Sessions,
 * agents and rollups are then computed from the spans in SQL, so every number on a page can be recomputed from them.
 */
export async function seed(databaseUrl: string, { now = Date.now(), seed: number = 7 } = {}): Promise<{ spans: number }> {
  const spans = makeFleet(now, number);
  await writeSpans(databaseUrl, spans);
  return { spans: spans.length };
}

/** Inserts spans, brings the derived tables up to date and notifies, as the collector does after a batch. */
export async function writeSpans(databaseUrl: string, spans: readonly SeedSpan[], project = "default"): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC" } });
  try {
    await sql.begin(async (transaction) => {
      const days = new Set(spans.map((span) => new Date(span.start_us / 1000).toISOString().slice(0, 10)));
      for (const day of days) await createPartition(transaction, day);
      for (let at = 0; at < spans.length; at += 500) {
        await transaction`insert into spans ${transaction(spans.slice(at, at + 500).map((span) => toRow(span, project)))}`;
      }
      await transaction`create temp table lineage on commit drop as select distinct session_id, agent_id, parent_agent_id, depth, spawned_by from
        jsonb_to_recordset(${transaction.json(lineage(spans))}) as l(session_id text, agent_id text, parent_agent_id text, depth smallint, spawned_by text)`;
      await deriveTotals(transaction, [...new Set(spans.map((span) => span.session_id))]);
      const sessions = [...new Set(spans.map((span) => span.session_id))].slice(0, 50);
      await transaction`select pg_notify(${NotifyChannel.ingest}, ${JSON.stringify({ sessions, spans: spans.length })})`;
    });
  } finally {
    await sql.end();
  }
}

const lineage = (spans: readonly SeedSpan[]) =>
  spans.map((span) => ({
    session_id: span.session_id,
    agent_id: span.agent_id,
    parent_agent_id: span.parent_agent_id,
    depth: span.depth,
    spawned_by: span.spawned_by_tool_call,
  }));

/** SQLSTATE invalid_object_definition: "would overlap partition". */
const OVERLAPS = "42P17";

async function createPartition(sql: postgres.TransactionSql, day: string): Promise<void> {
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  const [covered] = await sql`select from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'spans'::regclass
    and pg_get_expr(c.relpartbound, c.oid) like ${`%FROM ('${day}%`}`;
  if (covered) return;
  try {
    await sql.savepoint((inner) =>
      inner.unsafe(`create table "spans_test_${day}" partition of spans for values from ('${day}') to ('${next}')`),
    );
  } catch (error) {
    // a collector that runs beside made the day's partition since
    if ((error as { code?: string }).code !== OVERLAPS) throw error;
  }
}

/** Every row names the same columns, as one insert has one list of them. */
const COLUMNS = [
  "task",
  "tool_name",
  "tool_call_id",
  "route",
  "pool",
  "silicon",
  "hardware",
  "provider",
  "model",
  "request_model",
  "tier",
  "sla_class",
  "sla_met",
  "decision_id",
  "attempt",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "cost_source",
  "baseline_nusd",
  "ttft_ms",
  "queue_ms",
  "prefill_ms",
  "decode_ms",
  "status_message",
  "key_name",
] as const;

function toRow(span: SeedSpan, project: string) {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, span.columns[name] ?? null]));
  return {
    ...columns,
    start_time: new Date(Math.floor(span.start_us / 1000)),
    start_nanos: 0,
    duration_ns: Math.round(span.duration_ns),
    trace_id: Buffer.from(span.trace_id, "hex"),
    span_id: Buffer.from(span.span_id, "hex"),
    parent_span_id: span.parent_span_id === null ? null : Buffer.from(span.parent_span_id, "hex"),
    session_id: span.session_id,
    project,
    agent_id: span.agent_id,
    turn_id: span.turn_id,
    name: span.name,
    operation: span.operation,
    is_call: span.is_call,
    kind: span.kind,
    status: span.status,
    agent_kind: span.agent_kind,
    agent_name: span.agent_name,
    channel: span.channel,
    user_id: span.user_id,
    service_name: "openclaw",
    attributes: span.attributes as postgres.JSONValue as never,
  };
}

/** What the counters of sessions and agents sum up, from spans `s`. */
const TOTALS = `
  min(s.start_time), max(s.start_time + s.duration_ns / 1000 * interval '1 microsecond'),
  count(*) filter (where s.operation = 'invoke_agent'), count(*) filter (where s.is_call), count(*) filter (where s.operation = 'execute_tool'),
  count(*) filter (where s.status = 2)`;
const TOKENS = `
  coalesce(sum(s.input_tokens) filter (where s.is_call), 0), coalesce(sum(s.cache_read_tokens) filter (where s.is_call), 0),
  coalesce(sum(s.cache_write_tokens) filter (where s.is_call), 0), coalesce(sum(s.output_tokens) filter (where s.is_call), 0),
  coalesce(sum(s.reasoning_tokens) filter (where s.is_call), 0), coalesce(sum(s.cost_nusd) filter (where s.is_call), 0),
  count(*) filter (where s.is_call and s.cost_nusd is null), coalesce(sum(s.baseline_nusd) filter (where s.is_call), 0)`;
const TOKEN_COLUMNS =
  "input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nusd, unknown_cost_calls, baseline_nusd";

const COMPARABLE = `
  coalesce(sum(s.cost_nusd) filter (where s.baseline_nusd > 0), 0),
  coalesce(sum(s.baseline_nusd) filter (where s.cost_nusd is not null and s.baseline_nusd > 0), 0)`;

/** Sessions, agents and rollups of these sessions, from their spans and from the temporary table `lineage` of who spawned whom. */
export async function deriveTotals(sql: postgres.TransactionSql, sessions: string[]): Promise<void> {
  await sql`delete from sessions where session_id = any(${sessions})`;
  await sql.unsafe(
    `insert into sessions (session_id, project, agent_kind, agent_name, channel, user_id, first_time, last_time, turns, calls, tool_calls, errors, spans, last_error_time, last_error, cpu_calls, gpu_calls, npu_calls, cloud_calls, ${TOKEN_COLUMNS})
     select s.session_id, min(s.project), min(s.agent_kind), min(s.agent_name) filter (where s.agent_id = s.session_id), min(s.channel), min(s.user_id), ${TOTALS}, count(*),
       max(s.start_time) filter (where s.status = 2), (array_agg(s.status_message order by s.start_time desc) filter (where s.status = 2))[1],
       ${["cpu", "gpu", "npu", "cloud"].map((silicon) => `count(*) filter (where s.is_call and s.silicon = '${silicon}')`).join(", ")}, ${TOKENS}
     from spans s where s.session_id = any($1) group by s.session_id`,
    [sessions],
  );
  await sql`delete from agents where session_id = any(${sessions}) and agent_id in (select agent_id from lineage)`;
  await sql.unsafe(
    `insert into agents (session_id, agent_id, project, parent_agent_id, agent_name, agent_kind, depth, spawned_by_tool_call, first_time, last_time, turns, calls, tool_calls, errors, ${TOKEN_COLUMNS})
     select s.session_id, s.agent_id, min(s.project), min(l.parent_agent_id), min(s.agent_name), min(s.agent_kind), min(l.depth), min(l.spawned_by), ${TOTALS}, ${TOKENS}
     from spans s join lineage l using (session_id, agent_id) where s.session_id = any($1) group by s.session_id, s.agent_id`,
    [sessions],
  );
  await sql`delete from session_hour where session_id = any(${sessions})`;
  await sql.unsafe(
    `insert into session_hour (slot, hour, project, session_id, agent_id, route, pool, silicon, model, calls, errors, ${TOKEN_COLUMNS}, duration_ns)
     select 0, date_bin('1 hour', s.start_time, '2000-01-01Z'), min(s.project), s.session_id, s.agent_id, coalesce(s.route, ''), coalesce(s.pool, ''), coalesce(s.silicon, ''), coalesce(s.model, ''),
       count(*), count(*) filter (where s.status = 2), ${TOKENS}, sum(s.duration_ns)
     from spans s where s.is_call and s.session_id = any($1) group by 2, 4, 5, 6, 7, 8, 9`,
    [sessions],
  );
  await sql`truncate route_hour, rollup_days`;
  await sql.unsafe(
    `insert into route_hour (slot, hour, project, route, pool, silicon, hardware, provider, model, sla_class, task, channel, agent_kind, user_id, key_name, calls, errors, sla_met, sla_missed, ${TOKEN_COLUMNS}, duration_ns, busy_ms)
     select 0, date_bin('1 hour', s.start_time, '2000-01-01Z'), s.project, coalesce(s.route, ''), coalesce(s.pool, ''), coalesce(s.silicon, ''), coalesce(s.hardware, ''), coalesce(s.provider, ''),
       coalesce(s.model, ''), coalesce(s.sla_class, ''), coalesce(s.task, ''), coalesce(s.channel, ''), coalesce(s.agent_kind, ''), coalesce(s.user_id, ''), coalesce(s.key_name, ''), count(*), count(*) filter (where s.status = 2),
       count(*) filter (where s.sla_met), count(*) filter (where not s.sla_met), ${TOKENS}, sum(s.duration_ns), coalesce(sum(s.prefill_ms + s.decode_ms), 0)
     from spans s where s.is_call group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15`,
  );
  await sql`truncate place_hour, payer_hour, tool_hour`;
  await sql.unsafe(
    `insert into payer_hour (slot, hour, project, key_name, user_id, channel, agent_kind, calls, errors, ${TOKEN_COLUMNS}, duration_ns, comparable_cost_nusd, comparable_baseline_nusd)
     select 0, date_bin('1 hour', s.start_time, '2000-01-01Z'), s.project, coalesce(s.key_name, ''), coalesce(s.user_id, ''), coalesce(s.channel, ''), coalesce(s.agent_kind, ''),
       count(*), count(*) filter (where s.status = 2), ${TOKENS}, sum(s.duration_ns), ${COMPARABLE}
     from spans s where s.is_call group by 2, 3, 4, 5, 6, 7`,
  );
  await sql.unsafe(
    `insert into place_hour (slot, hour, project, route, pool, silicon, hardware, provider, model, sla_class, channel, calls, errors, sla_met, sla_missed, ${TOKEN_COLUMNS}, duration_ns, busy_ms, comparable_cost_nusd, comparable_baseline_nusd)
     select 0, date_bin('1 hour', s.start_time, '2000-01-01Z'), s.project, coalesce(s.route, ''), coalesce(s.pool, ''), coalesce(s.silicon, ''), coalesce(s.hardware, ''), coalesce(s.provider, ''),
       coalesce(s.model, ''), coalesce(s.sla_class, ''), coalesce(s.channel, ''), count(*), count(*) filter (where s.status = 2),
       count(*) filter (where s.sla_met), count(*) filter (where not s.sla_met), ${TOKENS}, sum(s.duration_ns), coalesce(sum(s.prefill_ms + s.decode_ms), 0),
       ${COMPARABLE}
     from spans s where s.is_call group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11`,
  );
  await sql`
    insert into tool_hour (slot, hour, project, tool_name, calls, errors, duration_ns)
    select 0, date_bin('1 hour', s.start_time, '2000-01-01Z'), s.project, coalesce(s.tool_name, ''), count(*), count(*) filter (where s.status = 2), sum(s.duration_ns)
    from spans s where s.operation = 'execute_tool' group by 2, 3, 4`;
  await sql.unsafe(memoryAccessesOf("spans"));
  await deriveMinutes(sql);
}

/** As many hours as a collector keeps. */
async function deriveMinutes(sql: postgres.TransactionSql): Promise<void> {
  await sql`truncate place_minute, payer_minute, tool_minute`;
  await sql`update minutes_kept set since = date_bin('1 minute', now() - interval '26 hours', '2000-01-01Z')`;
  const ofMinutes = (table: string, key: string[]) =>
    sql.unsafe(
      `insert into ${table} (slot, minute, project, ${key.join(", ")}, calls, errors, ${TOKEN_COLUMNS}, comparable_cost_nusd, comparable_baseline_nusd)
       select 0, date_bin('1 minute', s.start_time, '2000-01-01Z'), s.project, ${key.map((name) => `coalesce(s.${name}, '')`).join(", ")},
         count(*), count(*) filter (where s.status = 2), ${TOKENS}, ${COMPARABLE}
       from spans s where s.is_call and s.start_time >= (select since from minutes_kept) group by ${["minute", "project", ...key].map((_, place) => place + 2).join(", ")}`,
    );
  await ofMinutes("place_minute", ["route", "pool", "silicon", "hardware", "provider", "model", "sla_class", "channel"]);
  await ofMinutes("payer_minute", ["key_name", "user_id", "channel", "agent_kind"]);
  await sql`
    insert into tool_minute (slot, minute, project, tool_name, calls, errors, duration_ns)
    select 0, date_bin('1 minute', s.start_time, '2000-01-01Z'), s.project, coalesce(s.tool_name, ''), count(*), count(*) filter (where s.status = 2), sum(s.duration_ns)
    from spans s where s.operation = 'execute_tool' and s.start_time >= (select since from minutes_kept) group by 2, 3, 4`;
}
