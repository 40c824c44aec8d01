import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";
import type { ExplainRange } from "./explain-cost.ts";

export interface ExplainToolRow {
  tool_name: string;
  calls: string;
  before_calls: string;
  errors: string;
  busy_ns: string;
}

/** Which tools were called, and how much more than in the period before? From the spans: no rollup counts tools. */
export function explainTools(sql: Sql, { beforeFrom, from, to }: ExplainRange): Promise<ExplainToolRow[]> {
  return sql<ExplainToolRow[]>`
    select coalesce(tool_name, '') as tool_name, count(*) filter (where start_time >= ${from}::timestamptz) as calls,
      count(*) filter (where start_time < ${from}::timestamptz) as before_calls,
      count(*) filter (where start_time >= ${from}::timestamptz and status = 2) as errors,
      coalesce(sum(duration_ns) filter (where start_time >= ${from}::timestamptz), 0) as busy_ns
    from spans where operation = ${Operation.executeTool} and start_time >= ${beforeFrom}::timestamptz and start_time < ${to}::timestamptz
    group by 1
    order by abs(count(*) filter (where start_time >= ${from}::timestamptz) - count(*) filter (where start_time < ${from}::timestamptz)) desc, 1
    limit 12`;
}

/** The single vendor's model that calls of a range were held against. */
export async function baselineModelBetween(sql: Sql, from: string, to: string): Promise<string | null> {
  const [row] = await sql<{ model: string }[]>`
    select attributes->>${Attribute.baselineModel} as model from spans
    where is_call and start_time >= ${from}::timestamptz and start_time < ${to}::timestamptz and attributes->>${Attribute.baselineModel} is not null limit 1`;
  return row?.model ?? null;
}
