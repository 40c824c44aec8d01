import { type AttributeValue, KeyValueList } from "../otlp/traces.ts";

/** Lengths of nested messages are written after their content, into four bytes: a varint may be longer than it must. Up to 2^28. */
const LENGTH_BYTES = 4;
/** Up to here a loop over the characters is quicker than two calls into native code. */
const SHORT_TEXT = 40;

/** Writes protobuf into one growing buffer. `tag` is `number << 3 | wire type`. */
export class ProtobufWriter {
  #buffer: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, 256));
  }

  /** Bytes that are protobuf already. */
  raw(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.length += bytes.copy(this.#buffer, this.length, start, end);
  }

  /** Begins a nested message; `close` what this returns. */
  open(tag: number): number {
    this.varint(tag);
    this.#reserve(LENGTH_BYTES);
    this.length += LENGTH_BYTES;
    return this.length;
  }

  close(start: number): void {
    let rest = this.length - start;
    for (let index = LENGTH_BYTES; index > 1; index--) {
      this.#buffer[start - index] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[start - 1] = rest;
  }

  /** Forgets what was written from there on. */
  rewind(length: number): void {
    this.length = length;
  }

  /** A non-negative integer below 2⁵³. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.length++] = rest;
  }

  text(tag: number, value: string): void {
    this.varint(tag);
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    this.varint(Buffer.byteLength(value));
    this.#reserve(value.length * 3);
    this.length += this.#buffer.write(value, this.length, "utf8");
  }

  hex(tag: number, value: string): void {
    this.varint(tag);
    this.varint(value.length / 2);
    this.#reserve(value.length / 2);
    this.length += this.#buffer.write(value, this.length, "hex");
  }

  /** Unix time as a fixed64 of nanoseconds. */
  nanoseconds(tag: number, micros: number, nanos: number): void {
    this.varint(tag);
    this.#reserve(8);
    this.length = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(micros) * 1000n + BigInt(nanos)), this.length);
  }

  /** A KeyValue message. */
  attribute(tag: number, key: string, value: AttributeValue): void {
    const start = this.open(tag);
    this.text(0x0a, key);
    this.#value(0x12, value);
    this.close(start);
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** An AnyValue message. */
  #value(tag: number, value: AttributeValue): void {
    const start = this.open(tag);
    if (typeof value === "string") this.text(0x0a, value);
    else if (typeof value === "boolean") this.#int64(0x10, value ? 1 : 0);
    else if (typeof value === "bigint") this.#int64(0x18, value);
    else if (typeof value === "number") {
      if (Number.isSafeInteger(value)) this.#int64(0x18, value);
      else this.double(0x21, value);
    } else if (value instanceof Uint8Array) {
      this.varint(0x3a);
      this.varint(value.length);
      this.raw(Buffer.from(value.buffer, value.byteOffset, value.length), 0, value.length);
    } else if (value instanceof KeyValueList) {
      const list = this.open(0x32);
      for (let index = 0; index < value.entries.length; index += 2) {
        this.attribute(0x0a, value.entries[index] as string, value.entries[index + 1] as AttributeValue);
      }
      this.close(list);
    } else if (value !== null) {
      const list = this.open(0x2a);
      for (const element of value) this.#value(0x0a, element);
      this.close(list);
    }
    this.close(start);
  }

  double(tag: number, value: number): void {
    this.varint(tag);
    this.#reserve(8);
    this.length = this.#buffer.writeDoubleLE(value, this.length);
  }

  /** A short text with its length; false, and nothing is written, where it is not ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#reserve(1 + length);
    const buffer = this.#buffer;
    const start = this.length + 1;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      buffer[start + index] = code;
    }
    buffer[this.length] = length;
    this.length = start + length;
    return true;
  }

  #int64(tag: number, value: number | bigint): void {
    this.varint(tag);
    if (typeof value === "number" && value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.#buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.length++] = Number(rest);
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}
