/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: a line that is not exactly a field is refused and never guessed at, since two
 * readers that guess otherwise are how requests are smuggled.
 */

/** `name: value`; values are visible characters, spaces, tabs, and bytes beyond ASCII. */
const FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DIGITS = /^\d{1,15}$/;

export const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
/** Of a connection's last head. */
const MAX_REMEMBERED = 64;
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

interface Field {
  /** With the end of the line before it. */
  line: string;
  name: string;
  value: string;
}

/** Reads the heads of one connection. Most lines of a head are as in the one before, at the same place: they were found well, and cut up, then. */
export class FieldReader {
  readonly #before: Field[] = [];

  /**
   * @param head as `headIn` has it; its first line is passed over
   * @param take one field at a time, its name in lower case; false refuses the head
   * @returns false where the rest are not fields
   */
  read(head: string, take: (name: string, value: string) => boolean): boolean {
    let at = head.indexOf(LINE_END);
    if (at < 0) return true;
    for (let place = 0; at < head.length; place++) {
      let field = this.#before[place];
      if (!field || !isLine(head, at, field.line)) {
        field = fieldAt(head, at);
        if (!field) return false;
        if (place < MAX_REMEMBERED) this.#before[place] = field;
      }
      if (!take(field.name, field.value)) return false;
      at += field.line.length;
    }
    return true;
  }
}

/** And it ends there. `startsWith` takes twice as long. */
function isLine(head: string, at: number, line: string): boolean {
  const end = at + line.length;
  return head.slice(at, end) === line && (end === head.length || (head.charCodeAt(end) === 0x0d && head.charCodeAt(end + 1) === 0x0a));
}

function fieldAt(head: string, at: number): Field | undefined {
  const start = at + LINE_END.length;
  const next = head.indexOf(LINE_END, start);
  const end = next < 0 ? head.length : next;
  const text = head.slice(start, end);
  if (!FIELD.test(text)) return undefined;
  const colon = text.indexOf(":");
  return { line: head.slice(at, end), name: text.slice(0, colon).toLowerCase(), value: trimmed(text.slice(colon + 1)) };
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

/** Names that were found well, with the last line of each: most heads have the same few, and many of their values too. */
const lines = new Map<string, { value: string; line: string }>();
const MAX_NAMES = 512;

/** A line of a head. @throws TypeError where it could end the line early, or cannot be said in bytes */
export function fieldLine(name: string, value: string): string {
  const last = lines.get(name);
  if (last?.value === value) return last.line;
  if (!(last || NAME.test(name)) || !VALUE.test(value)) throw new TypeError(`the header ${JSON.stringify(name)} holds what no header can`);
  const line = `${name}: ${value}\r\n`;
  if (last) {
    last.value = value;
    last.line = line;
  } else if (lines.size < MAX_NAMES) lines.set(name, { value, line });
  return line;
}

/** `content-length`. @returns undefined where it is not digits alone */
export const lengthOf = (value: string): number | undefined => (DIGITS.test(value) ? Number(value) : undefined);
