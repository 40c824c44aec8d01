import type { ExplainParameters, Explanation } from "../api/explain.ts";
import { toContributions, toPeriods } from "../model/explain-rows.ts";
import { rfc3339 } from "../model/time.ts";
import { burstsBetween, lineageOf, sessionLabels } from "../queries/explain-agents.ts";
import { type ExplainRange, explainCost } from "../queries/explain-cost.ts";
import { explainSessions } from "../queries/explain-sessions.ts";
import { baselineModelBetween, explainTools } from "../queries/explain-tools.ts";
import { resolveRange } from "../queries/resolve-range.ts";
import { read, type Sql } from "../server/database.ts";
import { InvalidParameter } from "../server/refusal.ts";
import { floorToHour } from "./cost.ts";

/** Ranges up to this are answered from the spans themselves, with exact bounds. */
const EXACT_HOURS = 2;

export async function loadExplanation(parameters: ExplainParameters): Promise<Explanation> {
  return read(async (sql) => {
    const range = await explainRange(sql, parameters);
    const [changed, places, bursts, tools, baselineModel] = await Promise.all([
      explainSessions(sql, range),
      explainCost(sql, range),
      burstsBetween(sql, range.from, range.to),
      explainTools(sql, range),
      baselineModelBetween(sql, range.from, range.to),
    ]);
    const silicons = changed.find((row) => row.sessions_by_silicon)?.sessions_by_silicon ?? [];
    const cost = [...places, ...changed];
    const sessions = [...new Set(cost.flatMap((row) => (row.session_id === null ? [] : [row.session_id])))];
    const [lineage, labels] = await Promise.all([lineageOf(sql, sessions), sessionLabels(sql, sessions)]);
    return {
      from: rfc3339(range.from),
      to: rfc3339(range.to),
      before_from: rfc3339(range.beforeFrom),
      ...toPeriods(cost),
      baseline_model: baselineModel,
      sessions_by_silicon: silicons.map(({ silicon, sessions: count }) => ({ silicon: silicon || null, sessions: count })),
      bursts,
      contributions: toContributions(cost, lineage, labels, tools),
    };
  });
}

/** The range, and the one of the same length before it. Long ranges are whole hours, as their rollups are. */
async function explainRange(sql: Sql, { from, to }: ExplainParameters): Promise<ExplainRange> {
  const range = await resolveRange(sql, from, to, "UTC");
  if (range.hours <= 0) throw new InvalidParameter("to", "is not after from");
  const source = range.hours <= EXACT_HOURS + 0.02 ? "spans" : "hours";
  const start = source === "spans" ? range.from : floorToHour(range.from);
  const [row] = await sql<{ before: string }[]>`
    select case when ${source === "spans"} then ${start}::timestamptz - (${range.to}::timestamptz - ${start}::timestamptz)
      else ${start}::timestamptz - ceil(extract(epoch from ${range.to}::timestamptz - ${start}::timestamptz) / 3600) * interval '1 hour' end as before`;
  if (!row) throw new Error("a query without a table gave no row");
  return { source, beforeFrom: row.before, from: start, to: range.to };
}
