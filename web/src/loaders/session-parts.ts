import type { AgentPage } from "../api/agent.ts";
import type { SpanListParameters, SpanPage } from "../api/span.ts";
import type { TimelinePage, TimelineParameters } from "../api/timeline.ts";
import { toAgents } from "../model/agents.ts";
import { decodeCursor, encodeCursor } from "../model/cursor.ts";
import { toSpan, toTimelineSpan } from "../model/to-api.ts";
import { listAgents } from "../queries/list-agents.ts";
import { listSpans, type SpanCursor } from "../queries/list-spans.ts";
import { listTimeline } from "../queries/list-timeline.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read, type Sql } from "../server/database.ts";
import { InvalidParameter, NotFound } from "../server/refusal.ts";

export async function loadSpans(id: string, parameters: SpanListParameters): Promise<SpanPage> {
  const cursor = parseSpanCursor(parameters.cursor);
  return read(async (sql) => {
    const { root, members } = await resolveExisting(sql, id);
    const rows = await listSpans(sql, members, {
      spanId: parameters.span_id,
      attributes: parameters.attributes === "true",
      limit: parameters.limit,
      cursor,
    });
    const page = rows.slice(0, parameters.limit);
    return { data: page.map((row) => toSpan(row, root)), next: rows.length > page.length ? spanCursor(page.at(-1)) : null };
  });
}

export async function loadTimeline(id: string, { limit, cursor: text }: TimelineParameters): Promise<TimelinePage> {
  const cursor = parseSpanCursor(text);
  return read(async (sql) => {
    const { members } = await resolveExisting(sql, id);
    const rows = await listTimeline(sql, members, { limit, cursor });
    const page = rows.slice(0, limit);
    return { data: page.map(toTimelineSpan), next: rows.length > page.length ? spanCursor(page.at(-1)) : null };
  });
}

/** The place of a span in its session. Throws InvalidParameter. */
export function parseSpanCursor(text: string | undefined): SpanCursor | undefined {
  if (!text) return undefined;
  const key = decodeCursor<{ time: string; nanos: number; id: string }>(text, { time: "string", nanos: "number", id: "string" });
  if (!key || Number.isNaN(Date.parse(key.time)) || !/^[0-9a-f]{16}$/.test(key.id) || !(key.nanos >= 0 && key.nanos < 1000)) {
    throw new InvalidParameter("cursor", "is not a cursor of this list");
  }
  return key;
}

/** What parseSpanCursor reads. */
export const spanCursor = (last: { start_time: string; start_nanos: number; span_id: string } | undefined) =>
  last ? encodeCursor({ time: last.start_time, nanos: last.start_nanos, id: last.span_id }) : null;

/** All agents of a session: a session has hundreds at most, so this list is one page. */
export async function loadAgents(id: string): Promise<AgentPage> {
  return read(async (sql) => {
    const { root, members } = await resolveExisting(sql, id);
    return { data: toAgents(await listAgents(sql, members), root), next: null };
  });
}

export async function resolveExisting(sql: Sql, id: string) {
  const resolved = await resolveSession(sql, id);
  const [found] = await sql`select from sessions where session_id = any(${resolved.members}) limit 1`;
  if (!found) throw new NotFound(`there is no session ${JSON.stringify(id)}`);
  return resolved;
}
