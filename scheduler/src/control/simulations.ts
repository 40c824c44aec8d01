/** `GET /control/simulations`, `GET /control/simulations/policy`, `POST /control/simulations`, `POST /control/simulations/{id}/cancel`. */

import { z } from "zod";
import { EVERY_VARIABLE } from "../config/references.ts";
import { ConfigError, parseConfig } from "../config.ts";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import type { Simulations } from "../what-if/simulations.ts";
import { readJson } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

export interface WhatIf {
  /** Undefined without a database: there are no decisions to play. */
  simulations: Simulations | undefined;
  /** The config in force, as a simulation sees it. */
  policy: () => string;
}

const body = z.strictObject({
  /** The window that ends now. */
  hours: z.int().min(1).max(720),
  /** YAML with pools, models, sla, tasks and routes, as `GET /control/simulations/policy` gives them. */
  policy: z.string().min(1).max(60_000),
});

/** The one that runs or ran last, if any. */
export const listSimulations = ({ simulations }: WhatIf, { response }: ControlRequest): void =>
  sendJson(response, 200, { data: simulations?.last ? [simulations.last] : [], next: null });

export const showPolicy = ({ policy }: WhatIf, { response }: ControlRequest): void => sendJson(response, 200, { policy: policy() });

/** 202: it runs. 400: what is wrong with the policy, with its line. 409: another runs. */
export async function startSimulation({ simulations, policy }: WhatIf, { request, response }: ControlRequest): Promise<void> {
  const { hours, policy: edited } = await readJson(request, body);
  if (!simulations) throw new HttpError(503, "no_database", "decisions are kept in Postgres, and DATABASE_URL is not set");
  try {
    parseConfig(edited, "policy", EVERY_VARIABLE);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new HttpError(400, "invalid_policy", error.problems.join("\n"), { param: "policy" });
  }
  const started = simulations.start({ hours, now: policy(), edited });
  if (!started) throw new HttpError(409, "simulation_running", "a simulation runs already: wait for it, or cancel it");
  sendJson(response, 202, started);
}

export function cancelSimulation({ simulations }: WhatIf, { response, parts }: ControlRequest): void {
  const id = parts[0] ?? "";
  if (simulations?.last?.id !== id)
    throw new HttpError(404, "unknown_simulation", `there is no simulation "${id}"; only the last one is kept`);
  simulations.cancel(id);
  sendJson(response, 200, simulations.last);
}
