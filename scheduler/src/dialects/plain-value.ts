/** What most short values of a request are: text of printable ASCII without escapes, and digits. `JSON.parse` of one takes three times as long. */

import { type ByteSpan, isText } from "./json-scan.ts";

const ZERO = 0x30;
const NINE = 0x39;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** With its quotes. */
const MAX_TEXT = 64;
/** Every number of so many digits is exact. */
const MAX_DIGITS = 15;

/** The last of each field: mostly the next one's too. */
const lastTexts = new Map<string, string>();

/**
 * The value that stands there, as `JSON.parse` reads it; undefined for any that only that can read.
 * @param field of a few names
 */
export function plainValue(body: Buffer, { start, end }: ByteSpan, field: string): string | number | undefined {
  if (body[start] === QUOTE) return isPlainText(body, start, end) ? textAt(body, start + 1, end - 1, field) : undefined;
  return end - start <= MAX_DIGITS ? numberAt(body, start, end) : undefined;
}

function isPlainText(body: Buffer, start: number, end: number): boolean {
  if (end - start < 2 || end - start > MAX_TEXT || body[end - 1] !== QUOTE) return false;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = body[at] as number;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
}

function textAt(body: Buffer, start: number, end: number, field: string): string {
  const last = lastTexts.get(field);
  if (last !== undefined && isText(body, start, end, last)) return last;
  const text = body.toString("latin1", start, end);
  lastTexts.set(field, text);
  return text;
}

/** Of digits that do not begin with a zero. */
function numberAt(body: Buffer, start: number, end: number): number | undefined {
  if (start === end || body[start] === ZERO) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = body[at] as number;
    if (byte < ZERO || byte > NINE) return undefined;
    value = value * 10 + byte - ZERO;
  }
  return value;
}
