import type { Delivery } from "../api/alert.ts";
import type { Sql } from "../server/database.ts";

export interface AlertRow {
  event_id: string;
  rule_id: string;
  rule_name: string;
  kind: string;
  subject: string;
  session_id: string | null;
  fired_at: string;
  started_at: string;
  resolved_at: string | null;
  acknowledged_at: string | null;
  message: string;
  muted: boolean;
  deliveries: (Omit<Delivery, "next_attempt"> & { next_attempt: string })[];
}

/** What fired, newest first, and what was done about it? One row more than `limit` tells that there are more. */
export function listAlerts(
  sql: Sql,
  { limit, cursor }: { limit: number; cursor: { time: string; id: string } | undefined },
): Promise<AlertRow[]> {
  return sql<AlertRow[]>`
    select event.event_id, event.rule_id, event.rule_name, event.kind, event.subject, event.session_id, event.fired_at, event.started_at,
      event.resolved_at, event.acknowledged_at, event.message, event.muted,
      (
        select coalesce(jsonb_agg(jsonb_build_object('action', delivery.action, 'channel', channel.name, 'occasion', delivery.occasion,
          'state', delivery.state, 'attempts', delivery.attempts, 'next_attempt', delivery.next_attempt_at::text,
          'last_error', delivery.last_error, 'receipt', delivery.receipt) order by delivery.created_at, delivery.delivery_id), '[]')
        from alert_deliveries delivery left join channels channel using (channel_id)
        where delivery.event_ids && array[event.event_id]
      ) as deliveries
    from alert_events event
    ${cursor ? sql`where (event.fired_at, event.event_id) < (${cursor.time}::timestamptz, ${cursor.id})` : sql``}
    order by event.fired_at desc, event.event_id desc limit ${limit + 1}`;
}
