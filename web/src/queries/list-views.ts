import type { Sql } from "../server/database.ts";

export interface ViewRow {
  view_id: string;
  page: string;
  name: string;
  query: string;
}

/** Which views were saved, of one page or of all? At most 500 are kept. */
export const listViews = (sql: Sql, page: string | undefined) => sql<ViewRow[]>`
  select view_id, page, name, query from saved_views ${page === undefined ? sql`` : sql`where page = ${page}`} order by lower(name), view_id`;
