import type { Sql } from "../server/database.ts";

export interface KeyRow {
  key_id: string;
  name: string;
  purpose: "agents" | "read";
  project: string | null;
  hint: string;
  created_at: string;
  revoked_at: string | null;
}

/** Which keys were made at run time? Those that hold first, the latest first. */
export const listKeys = (sql: Sql, { limit, offset }: { limit: number; offset: number }) => sql<KeyRow[]>`
  select key_id, name, purpose, project, hint, created_at, revoked_at from api_keys
  order by revoked_at is not null, created_at desc, key_id limit ${limit + 1} offset ${offset}`;
