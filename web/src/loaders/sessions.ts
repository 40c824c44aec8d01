import type { Session, SessionListParameters, SessionPage } from "../api/session.ts";
import { decodeCursor, encodeCursor } from "../model/cursor.ts";
import { toSession } from "../model/to-api.ts";
import { getSession, listSessions, type SessionCursor } from "../queries/list-sessions.ts";
import { resolveSession } from "../queries/resolve-session.ts";
import { read } from "../server/database.ts";
import { InvalidParameter, NotFound } from "../server/refusal.ts";

export async function loadSessions(parameters: SessionListParameters): Promise<SessionPage> {
  const cursor = parseCursor(parameters);
  const rows = await read((sql) => listSessions(sql, parameters, cursor));
  const page = rows.slice(0, parameters.limit);
  const last = page.at(-1);
  const next = rows.length > page.length && last ? toCursor(parameters.sort, last) : null;
  return { data: page.map((row) => toSession(row, Date.now())), next };
}

function parseCursor({ cursor, sort }: SessionListParameters): SessionCursor | undefined {
  if (!cursor) return undefined;
  const key =
    sort === "cost"
      ? decodeCursor<{ cost: string; id: string }>(cursor, { cost: "string", id: "string" })
      : decodeCursor<{ time: string; id: string }>(cursor, { time: "string", id: "string" });
  if (!key || ("cost" in key && !/^-?\d+$/.test(key.cost)) || ("time" in key && Number.isNaN(Date.parse(key.time)))) {
    throw new InvalidParameter("cursor", "is not a cursor of this list with this sort");
  }
  return key;
}

const toCursor = (sort: "recent" | "cost", row: { order_time: string; order_cost: string; session_id: string }) =>
  encodeCursor(sort === "cost" ? { cost: row.order_cost, id: row.session_id } : { time: row.order_time, id: row.session_id });

/** Throws NotFound. The id may be an alias of the session. */
export async function loadSession(id: string): Promise<Session> {
  return read(async (sql) => {
    const { root } = await resolveSession(sql, id);
    const row = await getSession(sql, root);
    if (!row) throw new NotFound(`there is no session ${JSON.stringify(id)}`);
    return toSession(row, Date.now());
  });
}
