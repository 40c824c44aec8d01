import { type ApiKeyPage, type ProjectPage, Settings, type SettingsListParameters } from "../api/settings.ts";
import type { SavedViewPage } from "../api/view.ts";
import { encodeCursor } from "../model/cursor.ts";
import { rfc3339 } from "../model/time.ts";
import { listKeys } from "../queries/list-keys.ts";
import { listProjects } from "../queries/list-projects.ts";
import { listViews } from "../queries/list-views.ts";
import { askCollector } from "../server/collector.ts";
import { read } from "../server/database.ts";
import { parseOffsetCursor } from "./offset-cursor.ts";

/** What the collector runs with. Throws CollectorUnavailable. */
export const loadSettings = (): Promise<Settings> => askCollector("/control/settings", Settings, {});

const nextOf = (rows: readonly unknown[], limit: number, offset: number) =>
  rows.length > limit ? encodeCursor({ offset: offset + limit }) : null;
const orNull = (time: string | null) => time && rfc3339(time);

export async function loadKeys({ limit, cursor }: SettingsListParameters): Promise<ApiKeyPage> {
  const offset = parseOffsetCursor(cursor);
  const rows = await read((sql) => listKeys(sql, { limit, offset }));
  const data = rows
    .slice(0, limit)
    .map(({ created_at, revoked_at, ...key }) => ({ ...key, created: rfc3339(created_at), revoked: orNull(revoked_at) }));
  return { data, next: nextOf(rows, limit, offset) };
}

export async function loadProjects({ limit, cursor }: SettingsListParameters): Promise<ProjectPage> {
  const offset = parseOffsetCursor(cursor);
  const rows = await read((sql) => listProjects(sql, { limit, offset }));
  return { data: rows.slice(0, limit).map((row) => ({ ...row, last_time: orNull(row.last_time) })), next: nextOf(rows, limit, offset) };
}

export const loadViews = async ({ page }: { page?: string | undefined }): Promise<SavedViewPage> => ({
  data: [...(await read((sql) => listViews(sql, page)))],
  next: null,
});
