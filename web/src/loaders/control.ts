import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { ControlAction, Receipt, SessionActivity } from "../api/control.ts";
import { knownCost, nullableUsd } from "../model/to-api.ts";
import { queryString } from "../paths.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { sessionActivity } from "../queries/session-activity.ts";
import { sessionProjects, stopsOf } from "../queries/session-projects.ts";
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
  const project = await projectOf(id, action);
  const receipt = await askScheduler(controlPath(id, project, action), SchedulerReceipt, {
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

interface InFlight {
  calls: { project?: string | null | undefined }[] | null;
  problem: string | null;
}

/** As the scheduler has it: a project's session, or all of this id. */
const controlPath = (id: string, project: string | undefined, action?: ControlAction) =>
  `/control/sessions/${encodeURIComponent(id)}${action ? `/${action}` : ""}${queryString({ project })}`;

/**
 * The project whose session is meant: that of its spans. Undefined, which is every project, where they are of several, as these are one session
 * here; where a call is under way that names none, and may be of this one; where what is to be lifted was stopped in every project; and where the
 * database does not say in time: no stop waits for it.
 */
function projectOf(id: string, action: ControlAction): Promise<string | undefined> {
  const known = read(async (sql) => {
    const projects = await sessionProjects(sql, (await resolveSession(sql, id)).members);
    if (action === "resume" && (await stopsOf(sql, id, projects)).includes(id)) return undefined;
    return projects.length === 1 ? projects[0] : undefined;
  }).then(async (project) => {
    const { calls } = project === undefined || action === "resume" ? NO_CALLS : await inFlight(id);
    return calls?.some((call) => call.project === null) ? undefined : project;
  });
  return Promise.race([known.catch(() => undefined), sleep(PROJECT_TIMEOUT_MS, undefined, { ref: false })]);
}

/** `project`: null where the call named none. */
const SchedulerSession = z.looseObject({ in_flight: z.array(z.looseObject({ project: z.string().nullish() })).optional() });
const PROBE_TIMEOUT_MS = 1_500;
const PROJECT_TIMEOUT_MS = 2_000;
const NO_CALLS: InFlight = { calls: null, problem: null };

export async function loadActivity(id: string): Promise<SessionActivity> {
  const [row, scheduler] = await Promise.all([
    read(async (sql) => sessionActivity(sql, (await resolveSession(sql, id)).members)),
    projectOf(id, "kill").then((project) => inFlight(id, project)),
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
    in_flight_calls: scheduler.calls?.length ?? null,
    scheduler: { reachable: scheduler.problem === null, problem: scheduler.problem },
  };
}

/** The calls of a session that are under way. A scheduler that does not tell is reachable all the same. */
async function inFlight(id: string, project?: string): Promise<InFlight> {
  try {
    const { in_flight } = await askScheduler(controlPath(id, project), SchedulerSession, { timeoutMs: PROBE_TIMEOUT_MS });
    return { calls: in_flight ?? null, problem: null };
  } catch (error) {
    if (error instanceof SchedulerUnavailable) return { calls: null, problem: error.message };
    if (error instanceof SchedulerRefused) return { calls: null, problem: error.status === 401 ? error.message : null };
    throw error;
  }
}
