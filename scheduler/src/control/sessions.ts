/**
 * `GET /control/sessions/{id}`, and `POST …/kill|pause|resume`: the id of a session, or of one of its agents. With `?project=` that of one
 * project alone; without, what has this id in any project.
 */

import { storableText } from "@signalbox/otel/conventions";
import { z } from "zod";
import { MAX_ID_LENGTH } from "../admission/id-text.ts";
import { DatabaseAway } from "../admission/postgres/session.ts";
import { plainId, scopedId, withProject } from "../admission/scoped-id.ts";
import type { AdmissionService } from "../admission/service.ts";
import type { ControlState } from "../admission/stop/controls.ts";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import { epochNow } from "../telemetry/record.ts";
import { readJson } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

const STATE: Record<string, ControlState> = { kill: "killed", pause: "paused", resume: "active" };
const body = z.strictObject({ reason: z.string().max(500).transform(storableText).default("") });

export async function changeSession(
  { stopper, budgets }: AdmissionService,
  { request, response, parts, query }: ControlRequest,
): Promise<void> {
  const [plain = "", verb = ""] = parts;
  const id = storableText(scopedId(query.get("project") || undefined, plain));
  if (id.length > MAX_ID_LENGTH) throw new HttpError(400, "invalid_session", `ids have at most ${MAX_ID_LENGTH} characters`);
  const { reason } = await readJson(request, body);
  const state = STATE[verb] as ControlState;
  const lifted = state === "active" ? await liftBudgets(() => budgets.resume(id)) : undefined;
  const receipt = await stopper.set(id, state, { reason, source: "api" });
  if (lifted !== undefined) receipt.unknown.push(lifted);
  sendJson(response, 200, receipt);
}

/** What is known of it here and now: whether it is stopped, and its calls under way. */
export function showSession({ controls, inFlight }: AdmissionService, { response, parts, query }: ControlRequest): void {
  const [plain = ""] = parts;
  const id = scopedId(query.get("project") || undefined, plain);
  const stop = controls.stopOf([id, plainId(id)]);
  const data = inFlight.of(id).map(({ record, place }) => ({
    decision_id: record.decisionId,
    agent_id: record.identity.agent,
    project: record.identity.project ?? null,
    route: record.intent.route,
    request_model: record.requestModel,
    pool: record.attempts.at(-1)?.offer.pool ?? null,
    model: record.attempts.at(-1)?.offer.model ?? null,
    stream: record.stream,
    state: place === "line" ? "waiting" : place === "slot" ? "running" : "admitting",
    started_at: new Date(record.startedAt).toISOString(),
    running_ms: epochNow() - record.startedAt,
  }));
  sendJson(response, 200, {
    session_id: plainId(id),
    ...withProject(id),
    state: stop?.state ?? "active",
    reason: stop?.reason ?? null,
    in_flight: data,
  });
}

/** @returns what could not be confirmed */
async function liftBudgets(lift: () => Promise<void>): Promise<string | undefined> {
  try {
    await lift();
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseAway) return `pauses by budget were not lifted: ${error.message}`;
    throw error;
  }
}
