import type { Sql } from "../server/database.ts";

export interface PayloadRow {
  direction: "sent" | "received";
  /** Bytes as they went over the wire; fewer are kept where `is_truncated`. */
  bytes: string;
  is_truncated: boolean;
  /** zstd */
  body: Buffer;
}

/** The bodies of one attempt on a pool. `members`: see resolveSession. */
export function listPayloads(sql: Sql, members: string[], spanId: string): Promise<PayloadRow[]> {
  return sql<PayloadRow[]>`
    select direction, bytes, is_truncated, body from payloads
    where session_id = any(${members}) and span_id = decode(${spanId}, 'hex')
    order by direction desc`;
}
