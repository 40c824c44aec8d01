/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: a line that is not exactly a field is refused and never guessed at, since two
 * readers that guess otherwise are how requests are smuggled.
 */

/** `name: value`; values are visible characters, spaces, tabs, and bytes beyond ASCII. */
const FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Names whose values are ids that we make: nothing but hex digits and dashes. */
const OWN = new Set(["traceparent", "traceresponse", "x-signalbox-decision"]);
const MAX_DIGITS = 15;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
/** Lines of a connection's last head. */
const MAX_REMEMBERED = 64;

/** `read`: it is not whole yet. */
export const NOT_WHOLE = 0;
/** `read`: it is no head. */
export const NO_HEAD = -1;

interface Line {
  /** With its end. */
  bytes: Uint8Array;
  name: string;
  value: string;
}

/** By name, in lower case. */
export type Fields = Record<string, string | string[]>;

/**
 * Reads the heads of one connection, from their bytes. Most lines of a head are as in the one before, at the same place: they were found
 * well, and cut up, then; and where all names are the same its fields are a copy of those, which takes a third of adding them one by one.
 */
export class HeadReader<Start> {
  /** What the first line says, and the fields, of the head that was read last. */
  start: Start | undefined;
  fields: Fields = {};
  readonly #readStart: (line: string) => Start | undefined;
  readonly #add: (fields: Fields, name: string, value: string) => boolean;
  #startLine: Uint8Array = NO_BYTES;
  readonly #before: Line[] = [];
  /** The fields of the first `#known` lines of `#before`, where each line is a field of its own. */
  #template: Fields | undefined;
  #known = 0;

  /**
   * @param readStart what a first line says; undefined refuses the head
   * @param add puts one field among the others; false refuses the head
   */
  constructor(readStart: (line: string) => Start | undefined, add: (fields: Fields, name: string, value: string) => boolean) {
    this.#readStart = readStart;
    this.#add = add;
  }

  /**
   * The head that `bytes` begin with.
   * @param most bytes of it, without the empty line at its end
   * @returns bytes of the head, with that empty line; NOT_WHOLE or NO_HEAD
   */
  read(bytes: Buffer, most: number): number {
    const limit = Math.min(bytes.length, most + EMPTY_LINE_BYTES);
    let at = this.#readStartLine(bytes, limit);
    if (at <= 0) return at;
    let place = 0;
    for (; !(bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED && at + 2 <= limit); place++) {
      let line = this.#before[place];
      if (!line || !standsAt(bytes, at, line.bytes)) {
        const end = endOfLine(bytes, at, limit);
        if (end <= 0) return end;
        line = lineAt(bytes, at, end);
        if (!line) return NO_HEAD;
        this.#remember(line, place);
      }
      at += line.bytes.length;
    }
    if (this.#template && place === this.#known) this.fields = { ...this.#template };
    else if (!this.#addAll(place)) return NO_HEAD;
    return at + 2;
  }

  #remember(line: Line, place: number): void {
    if (this.#template && place < this.#known) {
      if (this.#before[place]?.name === line.name) this.#template[line.name] = line.value;
      else this.#template = undefined;
    }
    this.#before[place] = line;
  }

  /** @returns false where they are refused */
  #addAll(lines: number): boolean {
    this.fields = {};
    this.#template = undefined;
    for (let place = 0; place < lines; place++) {
      const { name, value } = this.#before[place] as Line;
      if (!this.#add(this.fields, name, value)) return false;
    }
    if (lines > MAX_REMEMBERED) this.#before.length = 0;
    else if (Object.values(this.fields).filter((value) => typeof value === "string").length === lines) {
      this.#template = { ...this.fields };
      this.#known = lines;
    }
    return true;
  }

  /** @returns where the next line begins, NOT_WHOLE or NO_HEAD */
  #readStartLine(bytes: Buffer, limit: number): number {
    if (this.#startLine.length > 0 && standsAt(bytes, 0, this.#startLine)) return this.#startLine.length;
    const end = endOfLine(bytes, 0, limit);
    if (end <= 0) return end;
    const start = this.#readStart(bytes.toString("latin1", 0, end - 2));
    if (start === undefined) return NO_HEAD;
    this.start = start;
    this.#startLine = bytesAt(bytes, 0, end);
    return end;
  }
}

const NO_BYTES = new Uint8Array();
/** Of the empty line, and of the end of the one before it. */
const EMPTY_LINE_BYTES = 4;

function standsAt(bytes: Buffer, at: number, line: Uint8Array): boolean {
  const { length } = line;
  if (at + length > bytes.length) return false;
  for (let index = 0; index < length; index++) if (bytes[at + index] !== line[index]) return false;
  return true;
}

/** @returns where the line at `at` ends, its end included; NOT_WHOLE or NO_HEAD */
function endOfLine(bytes: Buffer, at: number, limit: number): number {
  for (let index = at; index < limit; index++)
    if (bytes[index] === LINE_FEED) return index > at && bytes[index - 1] === CARRIAGE_RETURN ? index + 1 : NO_HEAD;
  return NOT_WHOLE;
}

function lineAt(bytes: Buffer, at: number, end: number): Line | undefined {
  const text = bytes.toString("latin1", at, end - 2);
  if (!FIELD.test(text)) return undefined;
  const colon = text.indexOf(":");
  return { bytes: bytesAt(bytes, at, end), name: text.slice(0, colon).toLowerCase(), value: valueAt(bytes, at + colon + 1, end - 2) };
}

/** In memory of their own: what a connection remembers must not keep what it has read. */
const bytesAt = (bytes: Buffer, at: number, end: number): Uint8Array => Uint8Array.prototype.slice.call(bytes, at, end);

const isBlank = (code: number) => code === 0x20 || code === 0x09;

/**
 * Without spaces and tabs at its ends: `trim` takes the byte 0xa0 too, in which letters end. A text of its own, and no slice of the line's: V8
 * compares slices in a call into its runtime.
 */
function valueAt(bytes: Buffer, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start] as number)) start++;
  while (end > start && isBlank(bytes[end - 1] as number)) end--;
  return bytes.toString("latin1", start, end);
}

interface KnownName {
  /** What lines of this name begin with. */
  start: string;
  value: string;
  line: string;
  /** In a row. */
  misses: number;
  /** Its values are ids that we make. */
  own: boolean;
}

/** Names that were found well, with the last line of each: most heads have the same few, and many of their values too. */
const known = new Map<string, KnownName>();
const MAX_NAMES = 512;
/** A name whose value was another so many times in a row holds ids: to compare and to remember them takes longer than the line. */
const MAX_MISSES = 64;

/** A line of a head. @throws TypeError where it could end the line early, or cannot be said in bytes */
export function fieldLine(name: string, value: string): string {
  const last = known.get(name);
  const compared = last !== undefined && last.misses < MAX_MISSES;
  if (compared && last.value === value) {
    last.misses = 0;
    return last.line;
  }
  if (!(last?.own || ((last || NAME.test(name)) && VALUE.test(value))))
    throw new TypeError(`the header ${JSON.stringify(name)} holds what no header can`);
  const line = `${last?.start ?? `${name}: `}${value}\r\n`;
  if (compared) {
    last.value = value;
    last.line = line;
    last.misses++;
  } else if (!last && known.size < MAX_NAMES) known.set(name, { start: `${name}: `, value, line, misses: 0, own: OWN.has(name) });
  return line;
}

/** `content-length`. @returns undefined where it is not digits alone */
export function lengthOf(value: string): number | undefined {
  if (value === "" || value.length > MAX_DIGITS) return undefined;
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}
