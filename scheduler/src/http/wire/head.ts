/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: a line that is not exactly a field is refused and never guessed at, since two
 * readers that guess otherwise are how requests are smuggled.
 */

/** Lines of `name: value`; values are visible characters, spaces, tabs, and bytes beyond ASCII. */
const FIELDS = /^(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DIGITS = /^\d{1,15}$/;

export const HEAD_END = "\r\n\r\n";
/** Most heads, and no more than is cheap to read in vain of a body. */
const USUAL_BYTES = 2048;

/**
 * The text of the head that `bytes` begin with, as latin1, without the empty line that ends it: found as text, since a search in a buffer
 * costs a call out of JavaScript.
 * @returns undefined where no end is within `most` bytes
 */
export function headIn(bytes: Buffer, most: number): string | undefined {
  for (let length = Math.min(USUAL_BYTES, bytes.length); ; length = Math.min(most + HEAD_END.length, bytes.length)) {
    const text = bytes.toString("latin1", 0, length);
    const end = text.indexOf(HEAD_END);
    if (end >= 0) return end > most ? undefined : text.slice(0, end);
    if (length >= Math.min(most + HEAD_END.length, bytes.length)) return undefined;
  }
}

/**
 * @param head as `headIn` has it; its first line is passed over
 * @param take one field at a time, its name in lower case; false refuses the head
 * @returns false where the rest are not fields
 */
export function readFields(head: string, take: (name: string, value: string) => boolean): boolean {
  let line = head.indexOf("\r\n");
  if (line < 0) return true;
  if (!FIELDS.test(head.slice(line))) return false;
  while (line >= 0) {
    const colon = head.indexOf(":", line);
    const end = head.indexOf("\r\n", colon);
    const value = end < 0 ? head.slice(colon + 1) : head.slice(colon + 1, end);
    if (!take(head.slice(line + 2, colon).toLowerCase(), trimmed(value))) return false;
    line = end;
  }
  return true;
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

/** Without spaces and tabs at its ends: `trim` takes the byte 0xa0 too, in which letters end. */
function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

/** The first line of such a head. */
export function firstLine(head: string): string {
  const end = head.indexOf("\r\n");
  return end < 0 ? head : head.slice(0, end);
}

/** A line of a head. @throws TypeError where it could end the line early, or cannot be said in bytes */
export function fieldLine(name: string, value: string): string {
  if (!isName(name) || !VALUE.test(value)) throw new TypeError(`the header ${JSON.stringify(name)} holds what no header can`);
  return `${name}: ${value}\r\n`;
}

/** Names that were found well: those of most heads are the same few. */
const names = new Set<string>();
const MAX_NAMES = 512;

function isName(name: string): boolean {
  if (names.has(name)) return true;
  if (!NAME.test(name)) return false;
  if (names.size < MAX_NAMES) names.add(name);
  return true;
}

/** `content-length`. @returns undefined where it is not digits alone */
export const lengthOf = (value: string): number | undefined => (DIGITS.test(value) ? Number(value) : undefined);
