import type { Channel } from "../api/alert.ts";
import type { Sql } from "../server/database.ts";

/** Where can notifications go, and did the latest arrive? */
export function listChannels(sql: Sql): Promise<Channel[]> {
  return sql<Channel[]>`
    select channel.channel_id, channel.name, channel.kind, channel.summary, latest.last_error
    from channels channel left join lateral (
      select delivery.last_error from alert_deliveries delivery
      where delivery.channel_id = channel.channel_id and delivery.attempts > 0 order by delivery.created_at desc limit 1
    ) latest on true
    order by channel.created_at, channel.channel_id`;
}
