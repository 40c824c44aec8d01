import type { DecisionListParameters, DecisionPage } from "../api/decision.ts";
import { decodeCursor, encodeCursor } from "../model/cursor.ts";
import { toDecision } from "../model/to-api.ts";
import { listDecisions } from "../queries/list-decisions.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read } from "../server/database.ts";
import { InvalidParameter } from "../server/refusal.ts";

export async function loadDecisions({ session, route, pool, limit, cursor }: DecisionListParameters): Promise<DecisionPage> {
  const after = parseCursor(cursor);
  return read(async (sql) => {
    const members = session === undefined ? undefined : (await resolveSession(sql, session)).members;
    const rows = await listDecisions(sql, { members, route, pool, limit, cursor: after });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      data: page.map(toDecision),
      next: rows.length > page.length && last ? encodeCursor({ time: last.start_time, id: last.span_id }) : null,
    };
  });
}

function parseCursor(text: string | undefined): { time: string; id: string } | undefined {
  if (!text) return undefined;
  const key = decodeCursor<{ time: string; id: string }>(text, { time: "string", id: "string" });
  if (!key || Number.isNaN(Date.parse(key.time)) || !/^[0-9a-f]{16}$/.test(key.id))
    throw new InvalidParameter("cursor", "is not a cursor of this list");
  return key;
}
