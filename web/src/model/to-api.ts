import type { AttentionItem } from "../api/attention.ts";
import type { CostRow } from "../api/cost.ts";
import type { Candidate, Decision } from "../api/decision.ts";
import type { FleetEvent } from "../api/event.ts";
import type { Session, SessionControl } from "../api/session.ts";
import type { Span } from "../api/span.ts";
import type { Step } from "../api/step.ts";
import type { TimelineSpan } from "../api/timeline.ts";
import type { AttentionRow } from "../queries/attention.ts";
import type { GroupedCostRow } from "../queries/cost-by-group.ts";
import type { DecisionRow } from "../queries/list-decisions.ts";
import type { EventRow } from "../queries/list-events.ts";
import type { SessionRow } from "../queries/list-sessions.ts";
import type { SpanRow } from "../queries/list-spans.ts";
import type { StepRow } from "../queries/list-steps.ts";
import type { TimelineRow } from "../queries/list-timeline.ts";
import { toUsd } from "./money.ts";
import { rfc3339, sessionState } from "./time.ts";

/** Rows as Postgres gives them -> the shapes of the read API. */

const STATUS = ["unset", "ok", "error"] as const;
const COST_SOURCES = ["reported", "priced", "measured", "estimated", "unknown"] as const;

const status = (code: number) => STATUS[code] ?? "unset";
const costSource = (text: string | null) => COST_SOURCES.find((source) => source === text) ?? null;
const nullableNumber = (text: string | null) => (text === null ? null : Number(text));
export const nullableUsd = (nanousd: string | null) => (nanousd === null ? null : toUsd(nanousd));

/** A sum over calls: unknown where it has calls and not one of them has a known cost. */
export function knownCost(sum: { cost_nusd: string; unknown_cost_calls: string | number; calls: string | number }): string | null {
  return Number(sum.unknown_cost_calls) > 0 && Number(sum.unknown_cost_calls) >= Number(sum.calls) ? null : sum.cost_nusd;
}

interface Sums {
  calls: string;
  input_tokens: string;
  cache_read_tokens: string;
  cache_write_tokens: string;
  output_tokens: string;
  reasoning_tokens: string;
  cost_nusd: string;
  unknown_cost_calls: string;
  baseline_nusd: string;
}

export function sums(row: Sums) {
  const cost = knownCost(row);
  return {
    calls: Number(row.calls),
    input_tokens: Number(row.input_tokens),
    cache_read_tokens: Number(row.cache_read_tokens),
    cache_write_tokens: Number(row.cache_write_tokens),
    output_tokens: Number(row.output_tokens),
    reasoning_tokens: Number(row.reasoning_tokens),
    cost_nanousd: cost,
    cost_usd: nullableUsd(cost),
    unknown_cost_calls: Number(row.unknown_cost_calls),
    baseline_nanousd: row.baseline_nusd,
    baseline_usd: toUsd(row.baseline_nusd),
  };
}

const comparable = (row: { comparable_cost_nusd: string; comparable_baseline_nusd: string }) => ({
  comparable_cost_nanousd: row.comparable_cost_nusd,
  comparable_baseline_nanousd: row.comparable_baseline_nusd,
});

export function toSession(row: SessionRow, now: number): Session {
  const lastTime = rfc3339(row.last_time);
  return {
    session_id: row.session_id,
    project: row.project,
    agent_kind: row.agent_kind,
    agent_name: row.agent_name,
    channel: row.channel,
    user_id: row.user_id,
    state: sessionState(lastTime, now),
    control: toControl(row),
    first_time: rfc3339(row.first_time),
    last_time: lastTime,
    spans: Number(row.spans),
    turns: Number(row.turns),
    tool_calls: Number(row.tool_calls),
    sub_agents: row.sub_agents,
    errors: Number(row.errors),
    last_error: row.last_error,
    last_error_time: row.last_error_time === null ? null : rfc3339(row.last_error_time),
    ...sums(row),
    ...comparable(row),
    routes: row.routes.map((share) => ({
      route: share.route,
      pool: share.pool,
      silicon: share.silicon || null,
      calls: share.calls,
      cost_nanousd: knownCost(share),
      unknown_cost_calls: share.unknown_cost_calls,
    })),
  };
}

const CONTROL_STATES: Readonly<Record<string, SessionControl["state"]>> = { active: "running", paused: "paused", killed: "killed" };

export const controlState = (state: string | null): SessionControl["state"] | null =>
  state === null ? null : (CONTROL_STATES[state] ?? null);

function toControl({ control_state, control_reason, control_source, control_changed_at }: SessionRow): SessionControl | null {
  const state = controlState(control_state);
  if (state === null || control_changed_at === null) return null;
  return { state, reason: control_reason ?? "", source: control_source ?? "", changed_at: rfc3339(control_changed_at) };
}

export function toSpan(row: SpanRow, sessionId: string): Span {
  const { start_nanos, start_time, cost_nusd, baseline_nusd, attributes, events, links, ...same } = row;
  return {
    ...same,
    session_id: sessionId,
    start_time: rfc3339(start_time, start_nanos),
    input_tokens: nullableNumber(row.input_tokens),
    cache_read_tokens: nullableNumber(row.cache_read_tokens),
    cache_write_tokens: nullableNumber(row.cache_write_tokens),
    output_tokens: nullableNumber(row.output_tokens),
    reasoning_tokens: nullableNumber(row.reasoning_tokens),
    cost_nanousd: cost_nusd,
    cost_usd: nullableUsd(cost_nusd),
    cost_source: costSource(row.cost_source),
    baseline_nanousd: baseline_nusd,
    status: status(row.status),
    ...(attributes === undefined ? {} : { attributes, events: events ?? [], links: links ?? [] }),
  };
}

export const toTimelineSpan = ({ start_time, start_nanos, cost_nusd, ...same }: TimelineRow): TimelineSpan => ({
  ...same,
  start_time: rfc3339(start_time, start_nanos),
  cost_nanousd: cost_nusd,
  status: status(same.status),
});

export function toCostRow(row: GroupedCostRow, groupBy: readonly (keyof CostRow)[]): CostRow {
  const groups = Object.fromEntries(groupBy.map((name) => [name, (row as unknown as Record<string, string>)[name] ?? ""]));
  return {
    ...groups,
    bucket: row.bucket === null ? null : rfc3339(row.bucket),
    errors: Number(row.errors),
    ...sums(row),
    ...comparable(row),
  };
}

export function toDecision({ start_time, start_nanos, cost_nusd, baseline_nusd, ...row }: DecisionRow): Decision {
  return {
    ...row,
    time: rfc3339(start_time, start_nanos),
    candidates: toCandidates(row.candidates),
    cost_nanousd: cost_nusd,
    cost_usd: nullableUsd(cost_nusd),
    baseline_nanousd: baseline_nusd,
    status: status(row.status),
  };
}

export function toStep({ start_time, start_nanos, cost_nusd, ...row }: StepRow): Step {
  return {
    ...row,
    start_time: rfc3339(start_time, start_nanos),
    input_tokens: nullableNumber(row.input_tokens),
    output_tokens: nullableNumber(row.output_tokens),
    cost_nanousd: cost_nusd,
    status: status(row.status),
  };
}

export function toEvent({ start_time, start_nanos, cost_nusd, ...row }: EventRow): FleetEvent {
  return {
    ...row,
    time: rfc3339(start_time, start_nanos),
    input_tokens: nullableNumber(row.input_tokens),
    output_tokens: nullableNumber(row.output_tokens),
    cost_nanousd: cost_nusd,
    cost_usd: nullableUsd(cost_nusd),
    status: status(row.status),
  };
}

/** The candidates of a decision; those that do not read as one are left out, as an emitter's mistake must not hide the rest. */
export function toCandidates(value: unknown): Candidate[] {
  let list = value;
  if (typeof value === "string") {
    try {
      list = JSON.parse(value);
    } catch {
      return [];
    }
  }
  if (!Array.isArray(list)) return [];
  return list
    .filter(isCandidate)
    .map((candidate) => Object.fromEntries(CANDIDATE_FIELDS.map((name) => [name, candidate[name]])) as Candidate);
}

const CANDIDATE_TEXTS = ["pool", "model", "silicon"] as const;
const CANDIDATE_NUMBERS = [
  "ttft_ms",
  "tpot_ms",
  "ttft_uncorrected_ms",
  "tpot_uncorrected_ms",
  "warm_prefix_tokens",
  "cost_nanousd",
] as const;
const CANDIDATE_FIELDS = [
  ...CANDIDATE_TEXTS,
  "rejected",
  "misses_sla",
  "chosen",
  ...CANDIDATE_NUMBERS,
] as const satisfies (keyof Candidate)[];

/** By hand, since the browser reads attributes of a span too, and has no zod. */
function isCandidate(entry: unknown): entry is Candidate {
  if (typeof entry !== "object" || entry === null) return false;
  const fields = entry as Record<string, unknown>;
  const isOptional = (name: string, type: string) => fields[name] === undefined || typeof fields[name] === type;
  return (
    CANDIDATE_TEXTS.every((name) => typeof fields[name] === "string") &&
    isOptional("rejected", "string") &&
    CANDIDATE_NUMBERS.every((name) => isOptional(name, "number")) &&
    (fields.misses_sla === undefined || fields.misses_sla === true) &&
    (fields.chosen === undefined || fields.chosen === true)
  );
}

export const toAttentionItem = (row: AttentionRow): AttentionItem => ({
  ...row,
  count: Number(row.count),
  of: nullableNumber(row.of),
  time: rfc3339(row.time),
});
