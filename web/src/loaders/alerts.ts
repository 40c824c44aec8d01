import { plainId } from "@signalbox/otel/conventions";
import type { z } from "zod";
import type { AlertListParameters, AlertPage, AlertRulePage, ChannelPage, ConditionKind } from "../api/alert.ts";
import { decodeCursor, encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { listAlertRules } from "../queries/list-alert-rules.ts";
import { type AlertRow, listAlerts } from "../queries/list-alerts.ts";
import { listChannels } from "../queries/list-channels.ts";
import { askCollector } from "../server/collector.ts";
import { read } from "../server/database.ts";
import { InvalidParameter } from "../server/refusal.ts";

export async function loadAlerts({ limit, cursor: text }: AlertListParameters): Promise<AlertPage> {
  const cursor = text ? decodeCursor<{ time: string; id: string }>(text, { time: "string", id: "string" }) : undefined;
  if (text && (cursor === undefined || Number.isNaN(Date.parse(cursor.time))))
    throw new InvalidParameter("cursor", "is not a cursor of this list");
  const rows = await read((sql) => listAlerts(sql, { limit, cursor }));
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { data: shown.map(toAlert), next: rows.length > limit && last ? encodeCursor({ time: last.fired_at, id: last.event_id }) : null };
}

const nullableTime = (text: string | null) => (text === null ? null : rfc3339(text));

const toAlert = (row: AlertRow): AlertPage["data"][number] => ({
  alert_id: row.event_id,
  rule_id: row.rule_id,
  rule: row.rule_name,
  kind: row.kind as ConditionKind,
  subject: plainId(row.subject),
  session_id: row.session_id,
  time: rfc3339(row.fired_at),
  started: rfc3339(row.started_at),
  ended: nullableTime(row.resolved_at),
  state: row.resolved_at !== null ? "resolved" : row.acknowledged_at !== null ? "acknowledged" : "firing",
  message: row.message,
  muted: row.muted,
  deliveries: row.deliveries.map((delivery) => ({ ...delivery, next_attempt: rfc3339(delivery.next_attempt) })),
});

export async function loadAlertRules(): Promise<AlertRulePage> {
  const rows = await read(listAlertRules);
  const data = rows.map((row) => ({ ...row, muted_until: nullableTime(row.muted_until), last_fired: nullableTime(row.last_fired) }));
  return { data, next: null };
}

export const loadChannels = async (): Promise<ChannelPage> => ({ data: [...(await read(listChannels))], next: null });

/** A change, which the collector checks and makes. `path` follows /control/alerts/. */
export const changeAlerts = <T>(path: string, schema: z.ZodType<T>, body: object): Promise<T> =>
  askCollector(`/control/alerts/${path}`, schema, body);
