import { plainId, projectOfId } from "@signalbox/otel/conventions";
import { z } from "zod";
import type { ControlAction, Receipt, SessionActivity } from "../api/control.ts";
import { knownCost, nullableUsd } from "../model/to-api.ts";
import { queryString } from "../paths.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { sessionActivity } from "../queries/session-activity.ts";
import { read } from "../server/database.ts";
import { askScheduler, SchedulerRefused, SchedulerUnavailable } from "../server/scheduler.ts";

/** The receipt as the scheduler sends it: a field is a count, or the list of what is counted. */
const Counted = z.union([z.int().min(0), z.array(z.unknown())]).optional();
const SchedulerReceipt = z.looseObject({
  session: z.string().optional(),
  descendants: Counted,
  upstream_closed: Counted,
  slots_freed: Counted,
  agents_acknowledged: Counted,
  unknown: Counted,
});
const countOf = (value: number | unknown[] | undefined) => (Array.isArray(value) ? value.length : (value ?? null));
const namesOf = (value: number | unknown[] | undefined) =>
  Array.isArray(value) ? value.map((one) => (typeof one === "string" ? one : JSON.stringify(one))) : [];

/** Passes a stop or resume on to the scheduler, which keeps it, stops what is under way and answers with what it saw. */
export async function controlSession(id: string, action: ControlAction, reason: string | undefined): Promise<Receipt> {
  const receipt = await askScheduler(controlPath(id, action), SchedulerReceipt, {
    method: "POST",
    body: reason ? { reason } : {},
  });
  return {
    session: receipt.session ?? id,
    action,
    descendants: countOf(receipt.descendants),
    upstream_closed: countOf(receipt.upstream_closed),
    slots_freed: countOf(receipt.slots_freed),
    agents_acknowledged: countOf(receipt.agents_acknowledged),
    unknown: countOf(receipt.unknown),
    unknown_names: namesOf(receipt.unknown),
  };
}

/** As the scheduler has it: the session of a project, or, of a plain id, what has this id in any project. */
const controlPath = (id: string, action?: ControlAction) =>
  `/control/sessions/${encodeURIComponent(plainId(id))}${action ? `/${action}` : ""}${queryString({ project: projectOfId(id) })}`;

const SchedulerSession = z.looseObject({ in_flight: z.array(z.unknown()).optional() });
const PROBE_TIMEOUT_MS = 1_500;

export async function loadActivity(id: string): Promise<SessionActivity> {
  const [row, scheduler] = await Promise.all([
    read(async (sql) => sessionActivity(sql, (await resolveSession(sql, id)).members)),
    inFlight(id),
  ]);
  const cost = knownCost(row);
  return {
    session_id: id,
    descendants: row.descendants,
    active_agents: row.active_agents,
    calls_last_minute: Number(row.calls),
    cost_last_minute_nanousd: cost,
    cost_last_minute_usd: nullableUsd(cost),
    unknown_cost_calls_last_minute: Number(row.unknown_cost_calls),
    in_flight_calls: scheduler.calls,
    scheduler: { reachable: scheduler.problem === null, problem: scheduler.problem },
  };
}

/** How many calls of a session are under way. A scheduler that does not tell is reachable all the same. */
async function inFlight(id: string): Promise<{ calls: number | null; problem: string | null }> {
  try {
    const { in_flight } = await askScheduler(controlPath(id), SchedulerSession, { timeoutMs: PROBE_TIMEOUT_MS });
    return { calls: in_flight?.length ?? null, problem: null };
  } catch (error) {
    if (error instanceof SchedulerUnavailable) return { calls: null, problem: error.message };
    if (error instanceof SchedulerRefused) return { calls: null, problem: error.status === 401 ? error.message : null };
    throw error;
  }
}
