import { plainId } from "@signalbox/otel/conventions";
import type { Bucket, CostGroup, CostRow } from "../api/cost.ts";
import { sumMoney, toUsd } from "./money.ts";
import { epochMs } from "./time.ts";

/** What the Tokens page can show, and how its rows become series over time. */

export const RANGES = {
  "1h": { label: "1 h", from: "-1h", bucket: "minute", bucketMs: 60_000 },
  "24h": { label: "24 h", from: "-24h", bucket: "hour", bucketMs: 3_600_000 },
  "7d": { label: "7 d", from: "-7d", bucket: "6h", bucketMs: 6 * 3_600_000 },
  "30d": { label: "30 d", from: "-30d", bucket: "day", bucketMs: 86_400_000 },
} as const satisfies Record<string, { label: string; from: string; bucket: Bucket; bucketMs: number }>;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as Range[];

/** For whom pays: months, where they begin for the reader. The length is a mean. */
export const MONTH_MS = 30.44 * 86_400_000;
export const COST_RANGES = {
  ...RANGES,
  "12mo": { label: "12 mo", from: "-365d", bucket: "month", bucketMs: MONTH_MS },
} as const satisfies Record<string, { label: string; from: string; bucket: Bucket; bucketMs: number }>;
export const COST_RANGE_NAMES = Object.keys(COST_RANGES) as (keyof typeof COST_RANGES)[];

/** A model is shown with its pool: the same model on two pools is two lines. */
export const GROUPINGS = {
  route: { label: "Route", groupBy: ["route"] },
  pool: { label: "Pool", groupBy: ["pool", "silicon"] },
  silicon: { label: "Silicon", groupBy: ["silicon"] },
  model: { label: "Model", groupBy: ["model", "pool", "silicon"] },
  agent: { label: "Agent", groupBy: ["agent"] },
  channel: { label: "Channel", groupBy: ["channel"] },
  user: { label: "User", groupBy: ["user"] },
  key: { label: "Key", groupBy: ["key"] },
  project: { label: "Project", groupBy: ["project"] },
} as const satisfies Record<string, { label: string; groupBy: readonly CostGroup[] }>;
export type Grouping = keyof typeof GROUPINGS;

/** Agents, users and keys are as many as one likes: the page shows those that cost most, and says so. */
export const MOST_GROUPS = 100;
export const GROUPING_NAMES = Object.keys(GROUPINGS) as Grouping[];

export const MEASURES = { cost: "Cost", tokens: "Tokens", calls: "Calls" } as const;
export type Measure = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as Measure[];

export function measureOf(row: CostRow, measure: Measure): number {
  if (measure === "calls") return row.calls;
  if (measure === "tokens") return row.input_tokens + row.output_tokens;
  return row.cost_usd ?? 0;
}

export interface RowName {
  key: string;
  label: string;
  /** Said smaller beside the label: the pool of a model, the id of an agent. */
  detail: string | null;
  silicon: string | null | undefined;
}

/** How a row of a grouping is called. Calls that never met the scheduler name no route and no pool. */
export function nameRow(row: CostRow, grouping: Grouping): RowName {
  switch (grouping) {
    case "model":
      return {
        key: `${row.model}\n${row.pool}`,
        label: row.model || "unknown model",
        detail: row.pool || "not routed",
        silicon: row.silicon || null,
      };
    case "pool":
      return { key: `${row.pool}`, label: row.pool || "not routed", detail: null, silicon: row.silicon || null };
    case "silicon":
      return {
        key: `${row.silicon}`,
        label: siliconLabel(row.silicon),
        detail: null,
        silicon: row.silicon || null,
      };
    case "route":
      return { key: `${row.route}`, label: row.route || "not routed", detail: null, silicon: undefined };
    case "agent":
      return {
        key: `${row.agent}`,
        label: row.agent_name ?? (row.agent ? plainId(row.agent) : "no agent named"),
        detail: row.agent_name && row.agent ? plainId(row.agent) : null,
        silicon: undefined,
      };
    case "user":
      return { key: `${row.user}`, label: row.user || "no user named", detail: null, silicon: undefined };
    case "key":
      return { key: `${row.key}`, label: row.key || "no key", detail: null, silicon: undefined };
    case "project":
      return { key: `${row.project}`, label: row.project || "no project", detail: null, silicon: undefined };
    case "channel":
      return { key: `${row.channel}`, label: row.channel || "no channel", detail: null, silicon: undefined };
  }
}

const siliconLabel = (silicon: string | undefined) => {
  if (!silicon) return "not routed";
  return silicon === "cloud" ? "Cloud" : silicon.toUpperCase();
};

/** Rows over time, added up by group: those that cost most first. */
export function totalsOf(rows: readonly CostRow[], grouping: Grouping): CostRow[] {
  const totals = new Map<string, CostRow>();
  for (const row of rows) {
    const { key } = nameRow(row, grouping);
    const total = totals.get(key);
    totals.set(key, total === undefined ? { ...row, bucket: null } : addRows(total, row));
  }
  return [...totals.values()].sort((left, right) => (right.cost_usd ?? -1) - (left.cost_usd ?? -1) || right.calls - left.calls);
}

function addRows(left: CostRow, right: CostRow): CostRow {
  const count = (
    name: "calls" | "errors" | "unknown_cost_calls" | `${"input" | "cache_read" | "cache_write" | "output" | "reasoning"}_tokens`,
  ) => left[name] + right[name];
  const money = (name: "baseline_nanousd" | "comparable_cost_nanousd" | "comparable_baseline_nanousd") =>
    String(BigInt(left[name]) + BigInt(right[name]));
  const cost =
    left.cost_nanousd === null && right.cost_nanousd === null ? null : String(sumMoney([left.cost_nanousd, right.cost_nanousd]).nanousd);
  return {
    ...left,
    calls: count("calls"),
    errors: count("errors"),
    input_tokens: count("input_tokens"),
    cache_read_tokens: count("cache_read_tokens"),
    cache_write_tokens: count("cache_write_tokens"),
    output_tokens: count("output_tokens"),
    reasoning_tokens: count("reasoning_tokens"),
    cost_nanousd: cost,
    cost_usd: cost === null ? null : toUsd(cost),
    unknown_cost_calls: count("unknown_cost_calls"),
    baseline_nanousd: money("baseline_nanousd"),
    baseline_usd: toUsd(money("baseline_nanousd")),
    comparable_cost_nanousd: money("comparable_cost_nanousd"),
    comparable_baseline_nanousd: money("comparable_baseline_nanousd"),
  };
}

export interface Series extends RowName {
  /** One value a bucket. */
  values: number[];
  total: number;
  /** Everything that did not get a line of its own. */
  isRest: boolean;
}

export interface TimeSeries {
  /** Start of each bucket, milliseconds since 1970. */
  times: number[];
  bucketMs: number;
  series: Series[];
}

export const MAX_SERIES = 8;

/** The largest groups as series over every bucket of the range, empty ones too; the others together as "rest". */
export function toTimeSeries(
  rows: readonly CostRow[],
  grouping: Grouping,
  measure: Measure,
  range: { from: string; to: string; bucketMs: number },
): TimeSeries {
  const times = bucketTimes(rows, range);
  const indexOf = new Map(times.map((time, index) => [time, index]));
  const byKey = new Map<string, Series>();
  for (const row of rows) {
    const name = nameRow(row, grouping);
    const index = row.bucket === null ? undefined : indexOf.get(epochMs(row.bucket));
    if (index === undefined) continue;
    let series = byKey.get(name.key);
    if (!series) {
      series = { ...name, values: times.map(() => 0), total: 0, isRest: false };
      byKey.set(name.key, series);
    }
    const value = measureOf(row, measure);
    series.values[index] = (series.values[index] ?? 0) + value;
    series.total += value;
  }
  const sorted = [...byKey.values()].sort((left, right) => right.total - left.total || left.key.localeCompare(right.key));
  const shown = sorted.slice(0, sorted.length > MAX_SERIES ? MAX_SERIES - 1 : MAX_SERIES);
  const rest = sorted.slice(shown.length);
  if (rest.length > 0) {
    const values = times.map((_, index) => rest.reduce((sum, series) => sum + (series.values[index] ?? 0), 0));
    shown.push({
      key: "\0rest",
      label: `${rest.length} others`,
      detail: null,
      silicon: null,
      values,
      total: rest.reduce((sum, series) => sum + series.total, 0),
      isRest: true,
    });
  }
  return { times, bucketMs: range.bucketMs, series: shown };
}

/** Buckets as Postgres cut them, and the empty ones between and around. Days are not all 24 hours long: where rows have a time, it wins. */
function bucketTimes(rows: readonly CostRow[], { from, to, bucketMs }: { from: string; to: string; bucketMs: number }): number[] {
  const seen = new Set(rows.flatMap((row) => (row.bucket === null ? [] : [epochMs(row.bucket)])));
  if (bucketMs === MONTH_MS) return monthTimes([...seen], epochMs(from), epochMs(to));
  const anchor = seen.values().next().value ?? Math.floor(epochMs(from) / bucketMs) * bucketMs;
  const first = anchor - Math.ceil((anchor - epochMs(from)) / bucketMs) * bucketMs;
  for (let time = first; time < epochMs(to); time += bucketMs) {
    const isTaken = [time, time - 3_600_000, time + 3_600_000].some((near) => seen.has(near) && Math.abs(near - time) < bucketMs / 2);
    if (!isTaken) seen.add(time);
  }
  return [...seen].sort((left, right) => left - right);
}

/** Every month that begins in the range: how long each is, the calendar says. None where nothing happened in any. */
function monthTimes(seen: readonly number[], from: number, to: number): number[] {
  const [anchor] = seen;
  if (anchor === undefined) return [];
  // where a month begins in any zone of the world is, so much later, the first or second day of that month in UTC
  const inMonth = new Date(anchor + FARTHEST_ZONE_MS);
  const monthAt = (offset: number) => new Date(inMonth).setUTCMonth(inMonth.getUTCMonth() + offset) - FARTHEST_ZONE_MS;
  const times = new Set(seen);
  const isTaken = (time: number) => seen.some((one) => Math.abs(one - time) < 5 * DAY_MS);
  for (const step of [-1, 1])
    for (let offset = step; monthAt(offset) >= from && monthAt(offset) < to; offset += step)
      if (!isTaken(monthAt(offset))) times.add(monthAt(offset));
  return [...times].sort((left, right) => left - right);
}

const DAY_MS = 86_400_000;
const FARTHEST_ZONE_MS = 14 * 3_600_000;

/** Steps of an axis from 0 to at least `max`: at most five, each 1, 2, 2.5 or 5 times a power of ten. */
export function axisSteps(max: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}
