import { MalformedBody } from "./traces.ts";

export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

const MAX_GROUP_DEPTH = 64;
const INTERN_SLOTS = 1 << 13;
const INTERN_MAX_BYTES = 64;
const WORD_BYTES = 4;
const HASH_FACTOR = 0x01000193;
/** Longer strings are cheaper to convert natively than to scan for ASCII first. */
const ASCII_SCAN_MAX_BYTES = 200;
/** A call into native code for each string takes five times as long; one string of a whole request is garbage of the costly kind. */
const WINDOW_BYTES = 4096;
const HEX_DIGIT = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** A short string that is known, and the value that last stood under it as an attribute's name. */
export interface Interned {
  text: string;
  /** The same as bytes, so many. */
  view: DataView;
  length: number;
  /** The reader, by its number, of the message that the value is in, and where it stands there. */
  valueReader: number;
  valueStart: number;
  valueLength: number;
  /** It keeps the WINDOW_BYTES that it was cut from: 32 MiB at most, if all slots have one. */
  value: string;
}

/** Direct-mapped cache of short strings that come again in every message, attribute keys most of all. Bounded: a new string takes the slot. */
const interned = new Array<Interned | null>(INTERN_SLOTS).fill(null);
let readers = 0;

/** Whether WORD_BYTES or more bytes are those of another place, word by word; the last word may stand over a part of the one before it. */
function areSame(a: DataView, startA: number, b: DataView, startB: number, length: number): boolean {
  const last = length - WORD_BYTES;
  if (a.getInt32(startA + last) !== b.getInt32(startB + last)) return false;
  for (let at = 0; at < last; at += WORD_BYTES) if (a.getInt32(startA + at) !== b.getInt32(startB + at)) return false;
  return true;
}

/** An id of a kind, and where it was read: spans that stand together share their trace, and mostly their parent. */
interface LastId {
  at: number;
  text: string;
}

/**
 * Reads protobuf from one buffer, without copying or allocating beyond the values. Every read is bounded by the end of the message
 * that it is in; a read beyond throws MalformedBody.
 *
 * Short ASCII strings are slices of a Latin-1 string of the bytes around them, so they keep its WINDOW_BYTES alive: what outlives the
 * batch must be copied. Interned strings are copies already.
 */
export class ProtobufReader {
  position = 0;
  readonly bytes: Buffer;
  /** What `internedText` gave last; null where that was too short or too long. */
  lastInterned: Interned | null = null;
  readonly lastTrace: LastId = { at: -1, text: "" };
  readonly lastParent: LastId = { at: -1, text: "" };
  readonly #number = ++readers;
  readonly #view: DataView;
  /** The bytes from #windowStart to #windowEnd as text. */
  #window = "";
  #windowStart = 0;
  #windowEnd = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An unsigned varint; exact below 2⁵³, which is all that tags, lengths and enums need. */
  varint(): number {
    const bytes = this.bytes;
    let byte = bytes[this.position++];
    if (byte === undefined) throw new MalformedBody("the message ends inside a number");
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    for (let length = 1; length < 10; length++) {
      byte = bytes[this.position++];
      if (byte === undefined) throw new MalformedBody("the message ends inside a number");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedBody("a number is longer than 10 bytes");
  }

  /** A field's tag. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffffffff) throw new MalformedBody("a field has number 0 or one that is too large");
    return tag;
  }

  /** A varint as int32, as enums are: of a longer one the low 32 bits. */
  int32(): number {
    const value = this.int64();
    return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** A varint as int64: a number while that is exact, else a bigint. */
  int64(): number | bigint {
    const bytes = this.bytes;
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      const byte = bytes[this.position++];
      if (byte === undefined) throw new MalformedBody("the message ends inside a number");
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (index < 9) high |= bits << (7 * index - 32);
      else high |= bits << 31;
      if (byte < 0x80) {
        const value = high * 4294967296 + (low >>> 0);
        return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0);
      }
    }
    throw new MalformedBody("a number is longer than 10 bytes");
  }

  /** Reads a length, checks it against the end of the enclosing message, and returns where the field ends. */
  lengthDelimited(end: number): number {
    const length = this.varint();
    const fieldEnd = this.position + length;
    if (fieldEnd > end) throw new MalformedBody("a field is longer than its message");
    return fieldEnd;
  }

  double(end: number): number {
    const value = this.#view.getFloat64(this.#advance(8, end), true);
    return value;
  }

  /** A fixed64 of nanoseconds as whole microseconds, exact: 2³² = 4,294,967 · 1000 + 296. The rest is in `nanos`. */
  nanoseconds(end: number): number {
    const at = this.#advance(8, end);
    const low = this.#view.getUint32(at, true);
    const high = this.#view.getUint32(at + 4, true);
    const rest = high * 296 + low;
    const micros = Math.floor(rest / 1000);
    this.nanos = rest - micros * 1000;
    return high * 4294967 + micros;
  }
  /** Nanoseconds below the microsecond of the last `nanoseconds()`. */
  nanos = 0;

  /** UTF-8 text up to `end`; invalid bytes become U+FFFD. */
  text(end: number): string {
    const start = this.position;
    const length = end - start;
    this.position = end;
    if (length > ASCII_SCAN_MAX_BYTES) return this.bytes.toString("utf8", start, end);
    const bytes = this.bytes;
    for (let index = start; index < end; index++) if ((bytes[index] as number) > 127) return bytes.toString("utf8", start, end);
    if (start < this.#windowStart || end > this.#windowEnd) this.#moveWindow(start);
    return this.#window.substring(start - this.#windowStart, end - this.#windowStart);
  }

  /**
   * The same for the value of the attribute of that name. Where its last value in this message is the same, it is that very string: most
   * are, comparing costs less than making one, and what is one need not be compared again.
   */
  textOf(name: Interned, end: number): string {
    const start = this.position;
    const length = end - start;
    if (length < WORD_BYTES || length > INTERN_MAX_BYTES) return this.text(end);
    const isOfThisMessage = name.valueReader === this.#number && name.valueLength === length;
    if (isOfThisMessage && areSame(this.#view, name.valueStart, this.#view, start, length)) {
      this.position = end;
      return name.value;
    }
    name.valueReader = this.#number;
    name.valueStart = start;
    name.valueLength = length;
    name.value = this.text(end);
    return name.value;
  }

  #moveWindow(start: number): void {
    this.#windowStart = start;
    this.#windowEnd = Math.min(start + WINDOW_BYTES, this.bytes.length);
    this.#window = this.bytes.toString("latin1", start, this.#windowEnd);
  }

  /** The same for text that comes again and again, such as an attribute key: it is a copy, which keeps nothing alive. */
  internedText(end: number): string {
    const start = this.position;
    const length = end - start;
    this.position = end;
    this.lastInterned = null;
    if (length > INTERN_MAX_BYTES || length < WORD_BYTES) return this.bytes.toString("utf8", start, end);
    const slot = this.#hash(start, end) & (INTERN_SLOTS - 1);
    let known = interned[slot] as Interned | null;
    if (known === null || known.length !== length || !areSame(known.view, 0, this.#view, start, length)) {
      const text = this.bytes.toString("utf8", start, end);
      const copy = Uint8Array.prototype.slice.call(this.bytes, start, end);
      known = { text, view: new DataView(copy.buffer), length, valueReader: 0, valueStart: 0, valueLength: 0, value: "" };
      interned[slot] = known;
    }
    this.lastInterned = known;
    return known.text;
  }

  /** Word by word, as `areSame`. */
  #hash(start: number, end: number): number {
    const view = this.#view;
    const last = end - WORD_BYTES;
    let hash = Math.imul((end - start) ^ view.getInt32(last), HASH_FACTOR);
    for (let at = start; at < last; at += WORD_BYTES) hash = Math.imul(hash ^ (hash >>> 15) ^ view.getInt32(at), HASH_FACTOR);
    return hash ^ (hash >>> 15);
  }

  /** A copy of the bytes up to `end`. */
  copy(end: number): Uint8Array {
    const start = this.position;
    this.position = end;
    return Uint8Array.prototype.slice.call(this.bytes, start, end);
  }

  /** The next 8 bytes as hex, in one piece: put together of parts it takes three times as long. The caller has checked that they are there. */
  hex8(): string {
    const bytes = this.bytes;
    const at = this.position;
    this.position = at + 8;
    const high = (index: number) => HEX_DIGIT[(bytes[at + index] as number) >> 4] as number;
    const low = (index: number) => HEX_DIGIT[(bytes[at + index] as number) & 15] as number;
    // biome-ignore format: eight bytes on two lines
    return String.fromCharCode(high(0), low(0), high(1), low(1), high(2), low(2), high(3), low(3),
      high(4), low(4), high(5), low(5), high(6), low(6), high(7), low(7));
  }

  /** The next `length` bytes, 8 or 16, as hex. Where they are those that `last` holds, it is not made once more. */
  hexAgain(length: 8 | 16, last: LastId): string {
    const bytes = this.bytes;
    const at = this.position;
    if (last.at >= 0) {
      let index = 0;
      while (index < length && bytes[last.at + index] === bytes[at + index]) index++;
      if (index === length) {
        this.position = at + length;
        return last.text;
      }
    }
    last.at = at;
    last.text = length === 8 ? this.hex8() : this.hex8() + this.hex8();
    return last.text;
  }

  /** Skips a field that this build does not know. */
  skip(tag: number, end: number, depth = 0): void {
    switch (tag & 7) {
      case WireType.varint:
        this.varint();
        break;
      case WireType.fixed64:
        this.#advance(8, end);
        break;
      case WireType.bytes:
        this.position = this.lengthDelimited(end);
        break;
      case WireType.startGroup:
        this.#skipGroup(tag, end, depth + 1);
        break;
      case WireType.fixed32:
        this.#advance(4, end);
        break;
      default:
        throw new MalformedBody(`a field has wire type ${tag & 7}, which is none`);
    }
    if (this.position > end) throw new MalformedBody("a field is longer than its message");
  }

  #skipGroup(startTag: number, end: number, depth: number): void {
    if (depth > MAX_GROUP_DEPTH) throw new MalformedBody("groups are nested too deep");
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) === WireType.endGroup) {
        if (tag >>> 3 !== startTag >>> 3) throw new MalformedBody("a group ends that did not start");
        return;
      }
      this.skip(tag, end, depth);
    }
  }

  #advance(length: number, end: number): number {
    const at = this.position;
    this.position = at + length;
    if (this.position > end) throw new MalformedBody("the message ends inside a number");
    return at;
  }
}
