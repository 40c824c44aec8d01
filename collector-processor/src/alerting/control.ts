import { randomUUID, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { type Connection, connect } from "../exporters/postgres-connection.ts";
import type { Log } from "../log.ts";
import { Refusal, readBody } from "../receivers/http-body.ts";
import type { AlertingLimits } from "./alerting-config.ts";
import { channelSchema, deliver, summaryOf } from "./channels/channel.ts";
import type { Way } from "./channels/post.ts";
import { preview, previewSchema } from "./preview.ts";
import { type RuleRequest, ruleSchema } from "./rule.ts";
import type { Seal } from "./seal.ts";
import {
  ACKNOWLEDGE,
  CREATE_RULE,
  DELETE_CHANNEL,
  DELETE_RULE,
  MUTE_RULE,
  READ_SECRET,
  REPLACE_RULE,
  UNKNOWN_CHANNELS,
  WRITE_CHANNEL,
} from "./sql/control.ts";

export interface ControlOptions {
  databaseUrl: string;
  adminToken: string;
  limits: AlertingLimits;
  seal: Seal;
  way: Way;
  log: Log;
  now: () => number;
}

type Handler = (connection: Connection, body: unknown, id: string) => Promise<object>;

const MAX_BODY_BYTES = 64 * 1024;
const MAX_MUTE_SECONDS = 366 * 86_400;
/** A preview over months must not hold a connection for ever. */
const STATEMENT_TIMEOUT_MS = 30_000;
const mute = z.strictObject({ seconds: z.int().min(0).max(MAX_MUTE_SECONDS) });

/**
 * What may be changed of alerting: POST below /control/alerts/, JSON, with the admin token. The dashboard, which may only read the
 * database, asks here. What is written is told on NotifyChannel.alerts.
 */
export function alertControl({ databaseUrl, adminToken, limits, seal, way, log, now }: ControlOptions) {
  async function checkChannels(connection: Connection, { actions }: RuleRequest): Promise<void> {
    const ids = actions.flatMap((action) => (action.do === "notify" ? action.channel_id : []));
    const [unknown] = await connection.query<{ id: string }>(UNKNOWN_CHANNELS, [JSON.stringify(ids)]);
    if (unknown !== undefined) throw invalid("actions", `there is no channel ${unknown.id}`);
  }

  async function writeRule(connection: Connection, body: unknown, id: string | null): Promise<object> {
    const rule = parse(ruleSchema, body);
    await checkChannels(connection, rule);
    const fields = [
      rule.name,
      rule.project ?? "",
      JSON.stringify(rule.condition),
      rule.for_seconds,
      JSON.stringify(rule.actions),
      String(rule.enabled),
    ];
    const ruleId = id ?? randomUUID();
    const written = await connection.query(id === null ? CREATE_RULE : REPLACE_RULE, [ruleId, ...fields]);
    if (written.length === 0) throw new Refusal(404, `there is no rule ${ruleId}`);
    return { rule_id: ruleId };
  }

  async function writeChannel(connection: Connection, body: unknown, id: string): Promise<object> {
    const { name, target } = parse(channelSchema, body);
    const sealed = seal.close(target).toString("hex");
    await connection.query(WRITE_CHANNEL, [id, name, target.kind, summaryOf(target), sealed]);
    return { channel_id: id };
  }

  async function testChannel(connection: Connection, id: string): Promise<object> {
    const [row] = await connection.query<{ sealed: string; name: string }>(READ_SECRET, [id]);
    if (row === undefined) throw new Refusal(404, `there is no channel ${id}`);
    const at = new Date(now()).toISOString();
    const message = `This is a test of the channel "${row.name}". Nothing is wrong.`;
    const alert = { kind: "test", subject: "test", session_id: null, value: 0, threshold: 0, message, started_at: at, resolved_at: null };
    try {
      const target = channelSchema.shape.target.parse(seal.open(Buffer.from(row.sealed, "hex")));
      const alerts = [{ alert_id: randomUUID(), ...alert }];
      await deliver(target, { delivery_id: randomUUID(), occasion: "test", rule_id: "", rule: row.name, alerts }, way);
      return { delivered: true, error: null };
    } catch (error) {
      return { delivered: false, error: (error as Error).message };
    }
  }

  async function one(connection: Connection, what: string, id: string, statement: string, more: (string | number)[] = []): Promise<object> {
    if ((await connection.query(statement, [id, ...more])).length === 0) throw new Refusal(404, `there is no ${what} ${id}`);
    return {};
  }

  const routes: [RegExp, Handler][] = [
    [/^rules$/, (connection, body) => writeRule(connection, body, null)],
    [/^rules\/([^/]+)$/, (connection, body, id) => writeRule(connection, body, id)],
    [/^rules\/([^/]+)\/delete$/, (connection, _, id) => one(connection, "rule", id, DELETE_RULE)],
    [/^rules\/([^/]+)\/mute$/, (connection, body, id) => one(connection, "rule", id, MUTE_RULE, [parse(mute, body).seconds])],
    [/^preview$/, (connection, body) => preview(connection, parse(previewSchema, body), limits)],
    [/^channels$/, (connection, body) => writeChannel(connection, body, randomUUID())],
    [/^channels\/([^/]+)\/delete$/, (connection, _, id) => one(connection, "channel", id, DELETE_CHANNEL)],
    [/^channels\/([^/]+)\/test$/, (connection, _, id) => testChannel(connection, id)],
    [/^events\/([^/]+)\/acknowledge$/, (connection, _, id) => one(connection, "alert", id, ACKNOWLEDGE)],
  ];

  async function answer(path: string, request: IncomingMessage): Promise<object> {
    if (!isAdmin(request, adminToken))
      throw new Refusal(401, "the control API takes the admin token: Authorization: Bearer <SIGNALBOX_TOKEN>");
    if (request.method !== "POST") throw new Refusal(405, `${request.method} is not allowed: POST`);
    for (const [pattern, handle] of routes) {
      const match = pattern.exec(path);
      if (match === null) continue;
      const body = jsonOf(await readBody(request, MAX_BODY_BYTES));
      const connection = await connect(databaseUrl, { application_name: "signalbox-alerting", statement_timeout: STATEMENT_TIMEOUT_MS });
      try {
        return await handle(connection, body, idOf(match[1] ?? ""));
      } finally {
        await connection.close();
      }
    }
    throw new Refusal(404, `there is no /control/alerts/${path}`);
  }

  /** @param path what follows /control/alerts/ */
  return async function serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
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
const invalid = (field: string, message: string) => new Invalid(field, message);

function parse<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
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
