import { MOST_COUNTED_CALLS } from "../api/cost.ts";
import type { ExplainParameters, Explanation } from "../api/explain.ts";
import { toContributions, toPeriods } from "../model/explain-rows.ts";
import { rfc3339 } from "../model/time.ts";
import { burstsBetween, lineageOf, sessionLabels } from "../queries/explain-agents.ts";
import { type ExplainRange, explainCost } from "../queries/explain-cost.ts";
import { explainSessions } from "../queries/explain-sessions.ts";
import { baselineModelBetween, explainTools } from "../queries/explain-tools.ts";
import { callsByHours, callsByMinutes, hasMinutes } from "../queries/minutes.ts";
import { resolveRange } from "../queries/resolve-range.ts";
import { read, type Sql } from "../server/database.ts";
import { InvalidParameter } from "../server/refusal.ts";
import { floorToHour, floorToMinute } from "./cost.ts";

/** Ranges up to this are explained by whole minutes. */
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
    const [lineage, labels, end] = await Promise.all([lineageOf(sql, sessions), sessionLabels(sql, sessions), endOf(sql, range)]);
    return {
      from: rfc3339(range.from),
      to: rfc3339(end),
      by: range.source === "hours" ? "hour" : "minute",
      before_from: rfc3339(range.beforeFrom),
      ...toPeriods(cost),
      baseline_model: baselineModel,
      sessions_by_silicon: silicons.map(({ silicon, sessions: count }) => ({ silicon: silicon || null, sessions: count })),
      bursts,
      contributions: toContributions(cost, lineage, labels, tools),
    };
  });
}

/**
 * The range, and the one of the same length before it. Short ones are whole minutes; long ones whole hours, as their rollups are, and so are short ones of
 * so many calls that to add up sessions from these would take longer than a page may.
 */
async function explainRange(sql: Sql, { from, to }: ExplainParameters): Promise<ExplainRange> {
  const range = await resolveRange(sql, from, to, "UTC");
  if (range.hours <= 0) throw new InvalidParameter("to", "is not after from");
  const isShort = range.hours <= EXACT_HOURS + 0.02;
  const minutes = isShort && (await byMinutes(sql, range));
  if (minutes) return minutes;
  const start = floorToHour(range.from);
  const end = isShort ? await wholeEnd(sql, start, range.to) : range.to;
  return { source: "hours", beforeFrom: await beforeOf(sql, start, end, "hour"), from: start, to: end };
}

async function byMinutes(sql: Sql, range: { from: string; to: string }): Promise<ExplainRange | undefined> {
  const from = floorToMinute(range.from);
  const beforeFrom = await beforeOf(sql, from, range.to, "minute");
  const source = (await hasMinutes(sql, beforeFrom)) ? "minutes" : "spans";
  const count = source === "minutes" ? callsByMinutes : callsByHours;
  return (await count(sql, beforeFrom, range.to)) <= MOST_COUNTED_CALLS ? { source, beforeFrom, from, to: range.to } : undefined;
}

/** Where a short range by whole hours ends: before the hour that is not over, which beside a whole one would look like a fall, unless it is all there is. */
async function wholeEnd(sql: Sql, from: string, to: string): Promise<string> {
  const [row] = await sql<{ end: string }[]>`
    select case when this_hour > ${from}::timestamptz then least(${to}::timestamptz, this_hour) else ${to}::timestamptz end as end
    from date_bin('1 hour', now(), '2000-01-01Z') this_hour`;
  if (!row) throw new Error("a query without a table gave no row");
  return row.end;
}

/** The end of the whole minute or hour that `to` is in, or now where that is still to come. */
async function endOf(sql: Sql, { source, to }: ExplainRange): Promise<string> {
  const unit = source === "hours" ? "1 hour" : "1 minute";
  const [row] = await sql<{ end: string }[]>`
    select greatest(${to}::timestamptz, least(now(), date_bin(${unit}::interval, ${to}::timestamptz - interval '1 microsecond', '2000-01-01Z') + ${unit}::interval)) as end`;
  if (!row) throw new Error("a query without a table gave no row");
  return row.end;
}

/** Where as many whole minutes or hours begin before `from` as `to` ends after it. */
async function beforeOf(sql: Sql, from: string, to: string, unit: "minute" | "hour"): Promise<string> {
  const [row] = await sql<{ before: string }[]>`
    select ${from}::timestamptz - ceil(extract(epoch from ${to}::timestamptz - ${from}::timestamptz) / ${unit === "minute" ? 60 : 3600}) * ${`1 ${unit}`}::interval as before`;
  if (!row) throw new Error("a query without a table gave no row");
  return row.before;
}
