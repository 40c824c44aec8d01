import type { Sql } from "../server/database.ts";

/** Which project may the key of this sha-256 (in hex) read? None where there is no such key, or it was revoked; null: all. */
export async function findReadKey(sql: Sql, digest: string): Promise<{ project: string | null } | undefined> {
  const [row] = await sql<{ project: string | null }[]>`
    select project from api_keys where digest = decode(${digest}, 'hex') and purpose = 'read' and revoked_at is null`;
  return row;
}
