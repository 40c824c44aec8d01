import { Attribute } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { addUpDays } from "../../collector-processor/src/retention/add-up-days.ts";
import { MARK_STORED_ALIASES } from "../../collector-processor/src/sql/stored-aliases.ts";
import { deriveTotals } from "../support/seed.ts";

const SPANS_PER_SESSION = 200;
const SESSIONS_PER_INSERT = 500;

/**
 * Fills a migrated, empty database with `spans` spans of sessions that began over the last `days` days, in one statement a few hundred
 * sessions, then the sessions, agents and rollups from them. A session is 25 turns of 8 spans in 50 minutes; every fifth has four
 * sub-agents. Every trace is an alias of its session; of every fiftieth session the last traces name no session, and two of fifty are
 * sub-agents that named only themselves, one below the other. Beside these each session reads a memory file of its agent and one of its
 * machine, and every fourth writes the first. 1 % of the tool calls and 0.2 % of the model calls fail, 0.5 % of the calls are a second attempt.
 */
export async function seedSpans(url: string, spans: number, days: number): Promise<void> {
  const sql = postgres(url, { max: 2, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC", work_mem: "256MB" } });
  try {
    const sessions = Math.ceil(spans / SPANS_PER_SESSION);
    for (let back = days; back >= -1; back--) await createPartition(sql, back);
    const starts: number[] = [];
    for (let first = 0; first < sessions; first += SESSIONS_PER_INSERT) starts.push(first);
    const write = async () => {
      for (let first = starts.shift(); first !== undefined; first = starts.shift()) {
        await insertSessions(sql, first, Math.min(first + SESSIONS_PER_INSERT, sessions), sessions, days);
      }
    };
    await Promise.all([write(), write()]);
    await insertAliases(sql, sessions);
    await insertMemory(sql, sessions, days);
    await insertAlerts(sql, days);
    await insertKeys(sql);
    await sql`vacuum analyze spans`;
    await sql.begin(async (transaction) => {
      await transaction`
        create temp table lineage on commit drop as
        select distinct session_id, agent_id, case when agent_id <> session_id then session_id end as parent_agent_id,
          (agent_id <> session_id)::int::smallint as depth, null::text as spawned_by
        from spans`;
      const ids = await transaction<{ session_id: string }[]>`select distinct session_id from lineage`;
      await deriveTotals(
        transaction,
        ids.map(({ session_id }) => session_id),
      );
    });
    // as a collector does with the days that are over, and with traces that have no session
    const connection = await connect(url);
    await addUpDays(connection, Date.now());
    await connection.run(MARK_STORED_ALIASES);
    await connection.close();
    const byHour = ["session_hour", "route_hour", "place_hour", "payer_hour", "tool_hour"];
    const byMinute = ["place_minute", "payer_minute", "tool_minute"];
    const byDay = ["route_day", "place_day", "payer_day", "rollup_days", "memory_day", "memory_days"];
    const others = ["sessions", "agents", "session_aliases", "memory_accesses", "session_memory"];
    for (const table of [...others, ...byHour, ...byMinute, ...byDay]) await sql.unsafe(`vacuum analyze ${table}`);
  } finally {
    await sql.end();
  }
}

/** Named as a collector names it, so that one can go on from there. */
async function createPartition(sql: postgres.Sql, daysBack: number): Promise<void> {
  const day = (offset: number) => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 10);
  const [from, to] = [day(daysBack), day(daysBack - 1)] as const;
  await sql.unsafe(
    `create table spans_${from.replaceAll("-", "")} partition of spans for values from ('${from}T00:00:00Z') to ('${to}T00:00:00Z')`,
  );
}

function insertAliases(sql: postgres.Sql, sessions: number) {
  return sql`
    insert into session_aliases
    select 't:' || encode(int8send(7) || int8send(session * 1000::bigint + turn), 'hex'), 'bench-' || session
    from generate_series(0, ${sessions - 1}::int) session, generate_series(0, 24) turn
    union all
    select 'bench-' || session, 'bench-' || (session - 1) from generate_series(0, ${sessions - 1}::int) session where session % 50 in (48, 49)`;
}

/** 240 files: of 40 agents a relative one each, and 200 absolute ones. */
function insertMemory(sql: postgres.Sql, sessions: number, days: number) {
  return sql`
    insert into spans (start_time, duration_ns, trace_id, span_id, session_id, project, agent_id, agent_name, turn_id, name, operation, attributes)
    select now() - ${days} * interval '1 day' + session::float8 / ${sessions} * (${days} * interval '1 day' - interval '50 minutes') + access * interval '7 minutes',
      1000000, int8send(7) || int8send(session * 1000::bigint), int8send(session * 1000::bigint + 900 + access), 'bench-' || session, 'default',
      'bench-' || session, 'agent-' || session % 40, 'turn-0', 'memory ' || operation, 'memory',
      jsonb_build_object(${Attribute.memoryPath}::text, path, ${Attribute.memoryOperation}::text, operation)
    from generate_series(0, ${sessions - 1}::int) session,
      lateral (values (0, 'read', 'MEMORY.md'), (1, 'read', '/home/dev-' || session % 200 || '/notes.md'), (2, 'write', 'MEMORY.md')) accesses (access, operation, path)
    where access < 2 or session % 4 = 0`;
}

/** 20 rules, and 5,000 times that one of them fired and was told. */
async function insertAlerts(sql: postgres.Sql, days: number): Promise<void> {
  await sql`
    insert into alert_rules (rule_id, name, condition, for_seconds, actions, enabled, version, created_at, updated_at)
    select 'rule-' || rule, 'rule ' || rule, '{"kind": "session_cost", "threshold": 5}', 0, '[]', true, 1, now(), now() from generate_series(0, 19) rule`;
  await sql`
    insert into alert_events (event_id, rule_id, rule_version, rule_name, project, kind, subject, session_id, value, threshold, message, started_at,
      fired_at, ended_at, resolved_at, muted)
    select 'event-' || event, 'rule-' || event % 20, 1, 'rule ' || event % 20, 'default', 'session_cost', 'bench-' || event, 'bench-' || event, 7, 5,
      'session bench-' || event || ' cost $7', fired, fired, fired + interval '9 minutes', case when event % 500 > 0 then fired + interval '9 minutes' end, false
    from generate_series(0, 4999) event, lateral (select now() - event * ${days}::float8 / 5000 * interval '1 day' as fired) at`;
  await sql`
    insert into alert_deliveries (delivery_id, rule_id, event_ids, action, channel_id, occasion, state, attempts, next_attempt_at, created_at, delivered_at)
    select 'delivery-' || event_id, rule_id, array[event_id], 'notify', 'channel-1', 'fired', 'delivered', 1, fired_at, fired_at, fired_at from alert_events`;
}

/** 500 keys and 100 saved views. */
async function insertKeys(sql: postgres.Sql): Promise<void> {
  await sql`
    insert into api_keys (key_id, name, purpose, project, digest, hint, created_at)
    select 'key-' || key, 'key-' || key, 'agents', 'default', int8send(key), 'abcd', now() from generate_series(0, 499) key`;
  await sql`
    insert into saved_views (view_id, page, name, query, created_at)
    select 'view-' || view, 'tokens', 'view ' || view, 'group=user', now() from generate_series(0, 99) view`;
}

/** Of each turn of 8: the turn itself, two decisions with their calls, three tool calls. */
function insertSessions(sql: postgres.Sql, from: number, to: number, sessions: number, days: number) {
  return sql`
    insert into spans (start_time, kind, status, tier, duration_ns, trace_id, span_id, parent_span_id, session_id, project, agent_id, turn_id, name,
      operation, is_call, agent_kind, agent_name, channel, user_id, key_name, task, tool_name, route, pool, silicon, hardware, provider, model, request_model,
      sla_class, sla_met, decision_id, attempt, input_tokens, cache_read_tokens, output_tokens, cost_nusd, cost_source, baseline_nusd, ttft_ms,
      queue_ms, prefill_ms, decode_ms, status_message, service_name, attributes)
    select start_time, 1, case when fails then 2 else 0 end, place, (1 + hash % 4000) * 1000000::bigint, trace_id, int8send(key),
      case position when 0 then null when 2 then int8send(key - 1) when 5 then int8send(key - 1) else int8send(key - position) end,
      session_id, 'default', agent_id, 'turn-' || turn, operation || ' ' || place, operation, is_call, 'openclaw', 'agent-' || session % 40,
      (array['telegram', 'slack', 'cli', 'cron', 'discord'])[1 + session % 5], 'user-' || session % 50,
      case when is_call or is_decision then 'key-' || session % 20 end,
      case when is_call or is_decision then (array['coding', 'heartbeat', 'summary'])[1 + session % 3] end,
      case when operation = 'execute_tool' then 'tool-' || hash % 20 end,
      case when is_call or is_decision then 'route-' || place end, case when is_call or is_decision then 'pool-' || place end,
      case when is_call or is_decision then (array['cpu', 'gpu', 'gpu', 'cloud'])[1 + place] end,
      case when is_call then 'hardware-' || place end, case when is_call then 'provider-' || place end,
      case when is_call or is_decision then 'model-' || place end, case when is_call or is_decision then 'auto' end,
      case when is_call or is_decision then (array['interactive', 'standard', 'background'])[1 + session % 3] end,
      case when is_call or is_decision then hash % 20 > 0 end, case when is_call or is_decision then 'd-' || key - is_call::int end,
      case when is_call then case when hash % 200 = 7 then 2 else 1 end end,
      case when is_call then 500 + hash % 20000 end, case when is_call then hash % 500 end, case when is_call then 20 + hash % 900 end,
      case when is_call then (hash % 9000000) * (1 + place) end, case when is_call then 'priced' end, case when is_call then 40000000 end,
      case when is_call then 30 + hash % 900 end, case when is_call then hash % 300 end, case when is_call then hash % 400 end,
      case when is_call then hash % 3000 end, case when fails then 'the upstream answered 529: overloaded' end, 'bench',
      case when is_decision then jsonb_build_object(${Attribute.decisionReason}::text, 'cheapest of 3 that meet the class',
        ${Attribute.decisionCandidates}::text, jsonb_build_array(jsonb_build_object('pool', 'pool-0', 'model', 'model-0', 'cost_nanousd', hash % 90000,
        'rejected', null), jsonb_build_object('pool', 'pool-1', 'model', 'model-1', 'cost_nanousd', hash % 80000, 'rejected', 'queue'))::text)
        when is_call then jsonb_build_object(${Attribute.baselineModel}::text, 'claude-opus-4-6', 'server.address', '10.0.0.' || hash % 9)
        else jsonb_build_object('host.name', 'dev-' || hash % 9, 'gen_ai.tool.call.id', 'toolu_' || key) end
    from (
      select *, position in (2, 5) as is_call, position in (1, 4) as is_decision,
        case when position = 0 then 'invoke_agent' when position in (1, 4) then 'schedule' when position in (2, 5) then 'chat' else 'execute_tool' end as operation,
        (position in (3, 6, 7) and hash % 100 = 3) or (position in (2, 5) and hash % 500 = 3) as fails,
        case when session % 5 = 0 and turn % 5 > 0 then session_id || '-sub-' || turn % 5 else session_id end as agent_id,
        ((session + turn / 9) % 4)::smallint as place
      from (
        select session, step, step % 8 as position, step / 8 as turn, session * 1000::bigint + step as key,
          case when session % 50 = 46 and step / 8 >= 20 then 't:' || encode(int8send(7) || int8send(session * 1000::bigint + step / 8), 'hex')
            else 'bench-' || session end as session_id,
          abs(hashint8(session * 1000::bigint + step)) as hash, int8send(7) || int8send(session * 1000::bigint + step / 8) as trace_id,
          now() - ${days} * interval '1 day' + session::float8 / ${sessions} * (${days} * interval '1 day' - interval '50 minutes') + step * interval '15 seconds' as start_time
        from generate_series(${from}::int, ${to - 1}::int) session, generate_series(0, ${SPANS_PER_SESSION - 1}) step
      ) steps
    ) shaped`;
}
