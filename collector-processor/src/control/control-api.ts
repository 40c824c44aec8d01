import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { type Connection, connect } from "../exporters/postgres-connection.ts";
import type { Log } from "../log.ts";
import { Refusal, readBody } from "../receivers/http-body.ts";

export interface ControlOptions {
  databaseUrl: string;
  adminToken: string;
  log: Log;
}

/** `id`: what the pattern's first group matched. @throws Refusal */
export type Handler = (connection: Connection, body: unknown, id: string) => Promise<object>;
export type ControlRoutes = readonly (readonly [RegExp, Handler])[];

/** Answers one request; `path` is what follows the prefix. */
export type ServeControl = (path: string, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const MAX_BODY_BYTES = 64 * 1024;
/** A preview over months must not hold a connection for ever. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * What may be changed, below `prefix`: POST, JSON, with the admin token. The dashboard, which may only read the database, asks here.
 */
export function controlApi(prefix: string, routes: ControlRoutes, { databaseUrl, adminToken, log }: ControlOptions): ServeControl {
  async function answer(path: string, request: IncomingMessage): Promise<object> {
    if (!isAdmin(request, adminToken))
      throw new Refusal(401, "the control API takes the admin token: Authorization: Bearer <SIGNALBOX_TOKEN>");
    if (request.method !== "POST") throw new Refusal(405, `${request.method} is not allowed: POST`);
    for (const [pattern, handle] of routes) {
      const match = pattern.exec(path);
      if (match === null) continue;
      const body = jsonOf(await readBody(request, MAX_BODY_BYTES));
      const connection = await connect(databaseUrl, { application_name: "signalbox-control", statement_timeout: STATEMENT_TIMEOUT_MS });
      try {
        return await handle(connection, body, idOf(match[1] ?? ""));
      } finally {
        // takes a second; nobody needs to wait for it
        void connection.close();
      }
    }
    throw new Refusal(404, `there is no ${prefix}${path}`);
  }

  return async function serve(path, request, response) {
    const send = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(body));
    };
    try {
      send(200, await answer(path, request));
    } catch (error) {
      if (error instanceof Refusal) {
        const code = CODES[error.status] ?? "invalid";
        return send(error.status, { error: { code, message: error.message, ...(error instanceof Invalid && { field: error.field }) } });
      }
      if (/statement timeout/.test((error as Error).message)) {
        const message = `took longer than ${STATEMENT_TIMEOUT_MS / 1000} s: look at a shorter range`;
        return send(503, { error: { code: "too_slow", message } });
      }
      log.error("a control request failed", { path, error: (error as Error).message });
      send(503, { error: { code: "database_unavailable", message: "Postgres did not do it: see the collector's log" } });
    }
  };
}

const CODES: Record<number, string> = {
  400: "invalid_parameter",
  401: "unauthorized",
  404: "not_found",
  405: "invalid_parameter",
  413: "too_large",
};

class Invalid extends Refusal {
  readonly field: string;
  constructor(field: string, message: string) {
    super(400, `${field}: ${message}`);
    this.field = field;
  }
}
export const invalid = (field: string, message: string) => new Invalid(field, message);

/** @throws what is wrong with it, and where */
export function parse<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(issue?.path.join(".") || "body", issue?.message ?? "is not valid");
}

function idOf(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal(404, `there is no ${segment}`);
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString() || "{}");
  } catch {
    throw invalid("body", "is not JSON");
  }
}

function isAdmin({ headers }: IncomingMessage, token: string): boolean {
  const sent = Buffer.from(/^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? "");
  const known = Buffer.from(token);
  return sent.length === known.length && timingSafeEqual(sent, known);
}
