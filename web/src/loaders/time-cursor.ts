import { decodeCursor } from "../model/cursor.ts";
import { InvalidParameter } from "../server/refusal.ts";

/** The cursor of a list of spans, newest first. Throws InvalidParameter. */
export function parseTimeCursor(text: string | undefined): { time: string; id: string } | undefined {
  if (!text) return undefined;
  const key = decodeCursor<{ time: string; id: string }>(text, { time: "string", id: "string" });
  if (!key || Number.isNaN(Date.parse(key.time)) || !/^[0-9a-f]{16}$/.test(key.id))
    throw new InvalidParameter("cursor", "is not a cursor of this list");
  return key;
}
