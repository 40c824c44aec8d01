import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  type ControlRoutes,
  controlApi,
  invalid,
  type ControlOptions as Options,
  parse,
  type ServeControl,
} from "../control/control-api.ts";
import type { Connection } from "../exporters/postgres-connection.ts";
import { Refusal } from "../receivers/http-body.ts";
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

export interface ControlOptions extends Options {
  limits: AlertingLimits;
  seal: Seal;
  way: Way;
  now: () => number;
}

const MAX_MUTE_SECONDS = 366 * 86_400;
const mute = z.strictObject({ seconds: z.int().min(0).max(MAX_MUTE_SECONDS) });

/**
 * What may be changed of alerting: POST below /control/alerts/, JSON, with the admin token. The dashboard, which may only read the
 * database, asks here. What is written is told on NotifyChannel.alerts.
 */
export function alertControl({ limits, seal, way, now, ...options }: ControlOptions): ServeControl {
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

  const routes: ControlRoutes = [
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

  return controlApi("/control/alerts/", routes, options);
}
