import { decodeCursor } from "../model/cursor.ts";
import { InvalidParameter } from "../server/refusal.ts";

/** The cursor of a short list in an order without a key of its own. Throws InvalidParameter. */
export function parseOffsetCursor(text: string | undefined): number {
  if (!text) return 0;
  const key = decodeCursor<{ offset: number }>(text, { offset: "number" });
  if (!key || !Number.isSafeInteger(key.offset) || key.offset < 0) throw new InvalidParameter("cursor", "is not a cursor of this list");
  return key.offset;
}
