import type { DecisionListParameters, DecisionPage } from "../api/decision.ts";
import { encodeCursor } from "../model/cursor.ts";
import { toDecision } from "../model/to-api.ts";
import { listDecisions } from "../queries/list-decisions.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read } from "../server/database.ts";
import { parseTimeCursor } from "./time-cursor.ts";

export async function loadDecisions({ session, route, pool, show, limit, cursor }: DecisionListParameters): Promise<DecisionPage> {
  const after = parseTimeCursor(cursor);
  return read(async (sql) => {
    const members = session === undefined ? undefined : (await resolveSession(sql, session)).members;
    const rows = await listDecisions(sql, { members, route, pool, show, limit, cursor: after });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      data: page.map(toDecision),
      next: rows.length > page.length && last ? encodeCursor({ time: last.start_time, id: last.span_id }) : null,
    };
  });
}
