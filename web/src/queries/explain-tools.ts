import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";
import type { ExplainRange } from "./explain-cost.ts";
import { endOfMinute } from "./minutes.ts";
import { projects } from "./projects.ts";

export interface ExplainToolRow {
  tool_name: string;
  calls: string;
  before_calls: string;
  errors: string;
  busy_ns: string;
}

/** Which tools were called, and how much more than in the period before? */
export function explainTools(sql: Sql, { source, beforeFrom, from, to }: ExplainRange): Promise<ExplainToolRow[]> {
  const [table, time] = source === "minutes" ? ["tool_minute", sql`minute`] : ["tool_hour", sql`hour`];
  const calls =
    source === "spans"
      ? sql`
        select coalesce(s.tool_name, '') as tool_name, s.start_time >= ${from}::timestamptz as is_now, 1 as calls, (s.status = 2)::int as errors, s.duration_ns
        from (${projects(sql)}) p join spans s on s.project = p.project
        where s.operation = ${Operation.executeTool} and s.start_time >= ${beforeFrom}::timestamptz and s.start_time < ${endOfMinute(sql, to)}`
      : sql`
        select c.tool_name, c.${time} >= ${from}::timestamptz as is_now, c.calls, c.errors, c.duration_ns from ${sql(table)} c
        where c.${time} >= ${beforeFrom}::timestamptz and c.${time} < ${to}::timestamptz`;
  return sql<ExplainToolRow[]>`
    select *, row_number() over (order by abs(calls - before_calls) desc, tool_name) as place from (
      select tool_name, coalesce(sum(calls) filter (where is_now), 0) as calls, coalesce(sum(calls) filter (where not is_now), 0) as before_calls,
        coalesce(sum(errors) filter (where is_now), 0) as errors, coalesce(sum(duration_ns) filter (where is_now), 0) as busy_ns
      from (${calls}) c group by tool_name having sum(calls) <> 0
    ) t order by place limit 12`;
}

/** How many calls are looked at for their baseline: it is a setting, which all of them say or none. */
const LOOKED_AT = 100;

/** The single vendor's model that the latest calls of a range were held against. */
export async function baselineModelBetween(sql: Sql, from: string, to: string): Promise<string | null> {
  const [row] = await sql<{ model: string }[]>`
    select model from (
      select attributes->>${Attribute.baselineModel} as model from spans
      where is_call and start_time >= ${from}::timestamptz and start_time < ${to}::timestamptz order by start_time desc limit ${LOOKED_AT}
    ) latest where model is not null limit 1`;
  return row?.model ?? null;
}
