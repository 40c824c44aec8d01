import type { SessionListParameters } from "../api/session.ts";
import { ACTIVE_WINDOW_MS } from "../model/time.ts";
import type { Sql, SqlPart } from "../server/database.ts";
import { projects } from "./projects.ts";
import { stopOf } from "./stop-of.ts";

/** Counters are text, as the driver gives bigint and numeric. */
export interface SessionRow {
  session_id: string;
  project: string;
  agent_kind: string | null;
  agent_name: string | null;
  channel: string | null;
  user_id: string | null;
  first_time: string;
  last_time: string;
  spans: string;
  turns: string;
  calls: string;
  tool_calls: string;
  sub_agents: number;
  errors: string;
  last_error: string | null;
  last_error_time: string | null;
  input_tokens: string;
  cache_read_tokens: string;
  cache_write_tokens: string;
  output_tokens: string;
  reasoning_tokens: string;
  cost_nusd: string;
  unknown_cost_calls: string;
  baseline_nusd: string;
  comparable_cost_nusd: string;
  comparable_baseline_nusd: string;
  routes: { route: string; pool: string; silicon: string; calls: number; cost_nusd: string; unknown_cost_calls: number }[];
  control_state: string | null;
  control_reason: string | null;
  control_source: string | null;
  control_changed_at: string | null;
  /** Of the row under the session's own id: what the page is ordered by. */
  order_time: string;
  order_cost: string;
}

export type SessionCursor = { time: string; id: string } | { cost: string; id: string };

/**
 * Sessions, one page. Traces that named no session and were joined to one later are folded into it; the order is by the
 * session's own row, so that pages never overlap.
 */
export function listSessions(sql: Sql, filter: SessionListParameters, cursor: SessionCursor | undefined): Promise<SessionRow[]> {
  const pattern = filter.q ? `%${filter.q.replace(/[\\%_]/g, "\\$&")}%` : undefined;
  const conditions = [
    // each is looked up. offset 0: planned as a join it reads all aliases
    sql`not exists (select from session_aliases a where a.alias = s.session_id offset 0)`,
    ...(pattern ? [isAscii(pattern) ? sql`s.words like ${pattern.toLowerCase()}` : sql`s.words ilike ${pattern}`] : []),
    ...(filter.show === "active" ? [sql`s.last_time > now() - ${ACTIVE_WINDOW_MS} * interval '1 millisecond'`] : []),
    ...(filter.show === "errors" ? [sql`s.errors > 0`] : []),
    ...(filter.show === "unknown_cost" ? [sql`s.unknown_cost_calls > 0`] : []),
    ...(cursor && "time" in cursor ? [sql`(s.last_time, s.session_id) < (${cursor.time}::timestamptz, ${cursor.id})`] : []),
    ...(cursor && "cost" in cursor ? [sql`(s.cost_nusd, s.session_id) < (${cursor.cost}::bigint, ${cursor.id})`] : []),
  ];
  const where = conditions.reduce((all, condition) => sql`${all} and ${condition}`);
  const order = filter.sort === "cost" ? sql`s.cost_nusd desc, s.session_id desc` : sql`s.last_time desc, s.session_id desc`;
  // one more than asked for tells whether there is a next page
  const first = sql`${where} order by ${order} limit ${filter.limit + 1}`;
  const page =
    filter.sort === "cost"
      ? sql`select s.* from sessions s where ${first}`
      : // the index on time begins with the project, so each project gives its newest by itself
        sql`select s.* from (${projects(sql)}) p cross join lateral (select * from sessions s where s.project = p.project and ${first}) s
          order by ${order} limit ${filter.limit + 1}`;
  return describeSessions(sql, page, filter.sort);
}

/** Of such a pattern the letters are in lower case in words, too; upper and lower case of others takes a locale, and four times as long. */
const isAscii = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** One session by its own id (see resolveSession). */
export async function getSession(sql: Sql, root: string): Promise<SessionRow | undefined> {
  const rows = await describeSessions(sql, sql`select s.* from sessions s where s.session_id = ${root}`, "recent");
  return rows[0];
}

function describeSessions(sql: Sql, page: SqlPart, sort: "recent" | "cost"): Promise<SessionRow[]> {
  return sql<SessionRow[]>`
    with page as materialized (${page}),
    members (root, member) as materialized (select p.session_id, m.session_id from page p cross join lateral members_of(p.session_id) m),
    totals as (
      select m.root, min(s.first_time) as first_time, max(s.last_time) as last_time, sum(s.spans) as spans, sum(s.turns) as turns,
        sum(s.calls) as calls, sum(s.tool_calls) as tool_calls, sum(s.errors) as errors, max(s.last_error_time) as last_error_time,
        (array_agg(s.last_error order by s.last_error_time desc nulls last))[1] as last_error,
        sum(s.input_tokens) as input_tokens, sum(s.cache_read_tokens) as cache_read_tokens, sum(s.cache_write_tokens) as cache_write_tokens,
        sum(s.output_tokens) as output_tokens, sum(s.reasoning_tokens) as reasoning_tokens,
        sum(s.cost_nusd) as cost_nusd, sum(s.unknown_cost_calls) as unknown_cost_calls, sum(s.baseline_nusd) as baseline_nusd
      from members m cross join lateral (select * from sessions where session_id = m.member offset 0) s group by m.root
    ),
    -- offset 0: member by member, by the key. Planned as joins these hash whole tables for one page.
    by_pool as (
      select m.root, h.route, h.pool, h.silicon, sum(h.calls) as calls, sum(h.cost_nusd) as cost_nusd, sum(h.unknown_cost_calls) as unknown_cost_calls,
        coalesce(sum(h.cost_nusd) filter (where h.baseline_nusd > 0 and h.unknown_cost_calls = 0), 0) as comparable_cost_nusd,
        coalesce(sum(h.baseline_nusd) filter (where h.baseline_nusd > 0 and h.unknown_cost_calls = 0), 0) as comparable_baseline_nusd
      from members m cross join lateral (select * from session_hour where session_id = m.member offset 0) h group by m.root, h.route, h.pool, h.silicon
    ),
    mix as (
      select root, sum(comparable_cost_nusd) as comparable_cost_nusd, sum(comparable_baseline_nusd) as comparable_baseline_nusd,
        jsonb_agg(jsonb_build_object('route', route, 'pool', pool, 'silicon', silicon, 'calls', calls, 'cost_nusd', cost_nusd::text,
          'unknown_cost_calls', unknown_cost_calls) order by cost_nusd desc, calls desc) as routes
      from by_pool group by root
    ),
    below as (
      select m.root, count(distinct g.agent_id)::int as sub_agents
      from members m cross join lateral (
        select agent_id from agents where session_id = m.member and parent_agent_id is not null and parent_agent_id <> agent_id offset 0
      ) g group by m.root
    )
    select p.session_id, p.project, p.agent_kind, p.agent_name, p.channel, p.user_id, p.last_time as order_time, p.cost_nusd as order_cost, t.*,
      coalesce(m.routes, '[]') as routes, coalesce(m.comparable_cost_nusd, 0) as comparable_cost_nusd,
      coalesce(m.comparable_baseline_nusd, 0) as comparable_baseline_nusd, coalesce(b.sub_agents, 0) as sub_agents,
      c.state as control_state, c.reason as control_reason, c.source as control_source, c.changed_at as control_changed_at
    from page p join totals t on t.root = p.session_id left join mix m on m.root = p.session_id left join below b on b.root = p.session_id
      left join lateral (${stopOf(sql, sql`p.project`, sql`p.session_id`)}) c on true
    order by ${sort === "cost" ? sql`p.cost_nusd desc, p.session_id desc` : sql`p.last_time desc, p.session_id desc`}`;
}
