import {
  ASKER_GROUPS,
  type CostGroup,
  type CostPage,
  type CostParameters,
  MOST_COUNTED_CALLS,
  PAYER_GROUPS,
  SESSION_GROUPS,
} from "../api/cost.ts";
import { encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { toCostRow } from "../model/to-api.ts";
import { agentNames } from "../queries/agent-names.ts";
import { type CostSourceTable, costByGroup, type MinuteRollup } from "../queries/cost-by-group.ts";
import { callsByHours, callsByMinutes, hasMinutes } from "../queries/minutes.ts";
import { resolveRange } from "../queries/resolve-range.ts";
import { read, type Sql } from "../server/database.ts";
import { InvalidParameter } from "../server/refusal.ts";
import { parseOffsetCursor } from "./offset-cursor.ts";

/** Ranges up to this are answered by whole minutes: from totals by minute, or else from the calls themselves. Longer ones by whole hours. */
export const EXACT_HOURS = 6;

export async function loadCost(parameters: CostParameters): Promise<CostPage> {
  const { group_by: groupBy, bucket, tz, top, limit } = parameters;
  const offset = parseOffsetCursor(parameters.cursor);
  return read(async (sql) => {
    const range = await resolveRange(sql, parameters.from, parameters.to, tz);
    if (range.hours < 0) throw new InvalidParameter("to", "is before from");
    const isShort = range.hours <= EXACT_HOURS + 0.02;
    if (bucket === "minute" && !isShort) throw new InvalidParameter("bucket", `minute is for ranges of at most ${EXACT_HOURS} hours`);
    // "today" is a whole number of hours, which the rollups answer exactly whatever the time of day
    const isByMinute = bucket === "minute" || (bucket === undefined && isShort && parameters.from !== "today");
    const minutes = isByMinute ? await minutesOf(sql, groupBy, range) : undefined;
    const { source, from } = minutes ?? { source: rollupFor(groupBy), from: floorToHour(range.from) };
    const answered = bucket === "minute" && minutes === undefined ? "hour" : (bucket ?? null);
    const rows = await costByGroup(sql, { source, groupBy, from, to: range.to, bucket: answered, tz, top, limit, offset });
    const page = rows.slice(0, limit);
    const names = groupBy.includes("agent") && (await agentNames(sql, [...new Set(page.map(({ agent = "" }) => agent))]));
    return {
      data: page.map((row) => ({ ...toCostRow(row, groupBy), ...(names && { agent_name: names.get(row.agent ?? "") ?? null }) })),
      next: rows.length > page.length ? encodeCursor({ offset: offset + limit }) : null,
      from: rfc3339(from),
      to: rfc3339(range.to),
      bucket: answered,
    };
  });
}

/** The one with the fewest rows that knows all of these. */
function rollupFor(groupBy: readonly CostGroup[]): CostSourceTable {
  const isIn = (names: readonly CostGroup[], name: CostGroup) => names.includes(name);
  const isAny = (names: readonly CostGroup[]) => groupBy.some((name) => isIn(names, name));
  if (isAny(SESSION_GROUPS)) return "session_hour";
  if (!isAny(ASKER_GROUPS)) return "place_hour";
  return groupBy.every((name) => isIn(PAYER_GROUPS, name)) ? "payer_hour" : "route_hour";
}

/**
 * What answers by whole minutes: totals by minute, where there are any of these groups and they reach back so far, else the calls themselves. Undefined: of
 * these groups there are none, and the calls are too many.
 */
async function minutesOf(
  sql: Sql,
  groupBy: readonly CostGroup[],
  range: { from: string; to: string },
): Promise<{ source: CostSourceTable; from: string } | undefined> {
  const from = floorToMinute(range.from);
  const table = MINUTES[rollupFor(groupBy)];
  const isKept = await hasMinutes(sql, from);
  if (table !== undefined) return { source: isKept ? table : "spans", from };
  const count = isKept ? callsByMinutes : callsByHours;
  return (await count(sql, from, range.to)) <= MOST_COUNTED_CALLS ? { source: "spans", from } : undefined;
}

const MINUTES: Partial<Record<CostSourceTable, MinuteRollup>> = { place_hour: "place_minute", payer_hour: "payer_minute" };

/** "2026-11-21 01:23:45.6+00" -> "2026-11-21 01:23:00+00" */
export const floorToMinute = (timestamptz: string) => `${timestamptz.slice(0, 16)}:00+00`;
/** "2026-11-21 01:23:45.6+00" -> "2026-11-21 01:00:00+00" */
export const floorToHour = (timestamptz: string) => `${timestamptz.slice(0, 13)}:00:00+00`;
