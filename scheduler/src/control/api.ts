/** The control API: everything below `/control`, with the admin token, errors in its own shape. */

import type http from "node:http";
import type { Gatekeeper } from "../admission/keys.ts";
import { DatabaseAway } from "../admission/postgres/session.ts";
import type { AdmissionService } from "../admission/service.ts";
import type { ConfigStatus } from "../config/follow.ts";
import { describePools } from "../control.ts";
import { HttpError } from "../http/errors.ts";
import type { NodeHandler } from "../http/messages.ts";
import { sendJson } from "../http/send.ts";
import type { Keeper } from "../learned/keeper.ts";
import type { Log } from "../log.ts";
import type { Pool } from "../pools/pool.ts";
import { acceptAcknowledgement } from "./acknowledgements.ts";
import { listBudgets, putBudget } from "./budgets.ts";
import type { RecentDecisions } from "./decisions.ts";
import { changePool } from "./pools.ts";
import type { ControlRequest } from "./request.ts";
import { changeSession, showSession } from "./sessions.ts";
import { cancelSimulation, listSimulations, showPolicy, startSimulation, type WhatIf } from "./simulations.ts";
import { followEvents } from "./stream.ts";

export interface ControlDependencies {
  gatekeeper: () => Gatekeeper;
  admission: AdmissionService;
  pools: () => readonly Pool[];
  /** What was found on this machine, in words. */
  found: readonly string[];
  config: () => ConfigStatus;
  decisions: RecentDecisions;
  whatIf: WhatIf;
  keeper: Pick<Keeper, "forget">;
  log: Log;
}

interface Endpoint {
  method: string;
  path: RegExp;
  handle: (ask: ControlRequest) => Promise<void> | void;
}

/** @returns a handler for every path below `/control/`; it answers all requests itself */
export function createControlApi({
  gatekeeper,
  admission,
  pools,
  found,
  config,
  decisions,
  whatIf,
  keeper,
  log,
}: ControlDependencies): NodeHandler {
  const endpoints: Endpoint[] = [
    {
      method: "POST",
      path: /^\/control\/sessions\/(.+)\/(kill|pause|resume)$/,
      handle: (ask) => changeSession(admission, ask),
    },
    { method: "GET", path: /^\/control\/sessions\/([^/]+)$/, handle: (ask) => showSession(admission, ask) },
    { method: "GET", path: /^\/control\/config$/, handle: ({ response }) => sendJson(response, 200, config()) },
    { method: "GET", path: /^\/control\/stream$/, handle: (ask) => followEvents(admission, gatekeeper(), ask) },
    { method: "POST", path: /^\/control\/acks$/, handle: (ask) => acceptAcknowledgement(admission.events, ask) },
    { method: "GET", path: /^\/control\/pools$/, handle: ({ response }) => sendJson(response, 200, describePools(pools(), found)) },
    { method: "POST", path: /^\/control\/pools\/([^/]+)\/(drain|resume|forget)$/, handle: (ask) => changePool(pools(), keeper, ask) },
    { method: "GET", path: /^\/control\/budgets$/, handle: (ask) => listBudgets(admission.budgets, ask) },
    { method: "PUT", path: /^\/control\/budgets\/([^/]+)$/, handle: (ask) => putBudget(admission.budgets, ask) },
    { method: "GET", path: /^\/control\/decisions$/, handle: (ask) => decisions.list(ask) },
    { method: "GET", path: /^\/control\/simulations$/, handle: (ask) => listSimulations(whatIf, ask) },
    { method: "POST", path: /^\/control\/simulations$/, handle: (ask) => startSimulation(whatIf, ask) },
    { method: "GET", path: /^\/control\/simulations\/policy$/, handle: (ask) => showPolicy(whatIf, ask) },
    { method: "POST", path: /^\/control\/simulations\/([^/]+)\/cancel$/, handle: (ask) => cancelSimulation(whatIf, ask) },
  ];

  return async (request, response) => {
    try {
      gatekeeper().admitControl(request.headers);
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://scheduler");
      const there = endpoints.filter(({ path }) => path.test(pathname));
      const endpoint = there.find(({ method }) => method === request.method);
      if (!endpoint) throw unknownEndpoint(request.method, pathname, there);
      const parts = (endpoint.path.exec(pathname) ?? []).slice(1).map(decoded);
      await endpoint.handle({ request, response, parts, query: searchParams });
    } catch (error) {
      answerError(response, error, log);
    }
  };
}

function unknownEndpoint(method: string | undefined, path: string, there: readonly Endpoint[]): HttpError {
  const hint = there.length > 0 ? `; it takes ${there.map((endpoint) => endpoint.method).join(", ")}` : "";
  return new HttpError(404, "unknown_endpoint", `there is no ${method} ${path}${hint}`);
}

/** `{"error": {"code", "message", "field"?}}` */
function answerError(response: http.ServerResponse, error: unknown, log: Log): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, code, message, param, retryAfterSeconds } = known(error, log);
  const headers: Record<string, string> = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  sendJson(response, status, { error: { code: code ?? "invalid_request", message, ...(param !== null && { field: param }) } }, headers);
}

function known(error: unknown, log: Log): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof DatabaseAway) {
    return new HttpError(503, "database_away", `nothing was changed: ${error.message}`, { retryAfterSeconds: 5 });
  }
  log.error("control request failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return new HttpError(500, "internal_error", "the scheduler failed; its log says why");
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, "invalid_path", `"${part}" is not percent-encoded text`);
  }
}
