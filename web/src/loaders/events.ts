import { EVENT_KINDS, type EventListParameters, type EventPage } from "../api/event.ts";
import { encodeCursor } from "../model/cursor.ts";
import { toEvent } from "../model/to-api.ts";
import { listEvents } from "../queries/list-events.ts";
import { read } from "../server/database.ts";
import { parseTimeCursor } from "./time-cursor.ts";

export async function loadEvents({ kind = [...EVENT_KINDS], errors, limit, cursor, ...equal }: EventListParameters): Promise<EventPage> {
  const after = parseTimeCursor(cursor);
  const rows = await read((sql) => listEvents(sql, { ...equal, kinds: kind, errors: errors === "true", limit, cursor: after }));
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    data: page.map(toEvent),
    next: rows.length > page.length && last ? encodeCursor({ time: last.start_time, id: last.span_id }) : null,
  };
}
