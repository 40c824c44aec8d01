/** What COPY … WITH (FORMAT binary) starts and ends with. */
export const COPY_HEADER = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]);
export const COPY_TRAILER = Buffer.from([0xff, 0xff]);

/** 2000-01-01, where Postgres counts from, in microseconds since 1970. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;
const BYTEA_OID = 17;
const TWO_32 = 4294967296;

/** Writes rows in Postgres' binary COPY format into one growing buffer. Each method writes one field; null is SQL's null. */
export class CopyWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, 1024));
  }

  startRow(fields: number): void {
    this.#reserve(2);
    this.#buffer.writeInt16BE(fields, this.#length);
    this.#length += 2;
  }

  text(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(4 + value.length * 3);
    const bytes = this.#buffer.write(value, this.#length + 4, "utf8");
    this.#buffer.writeInt32BE(bytes, this.#length);
    this.#length += 4 + bytes;
  }

  /** JSON text as jsonb. */
  jsonb(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(5 + value.length * 3);
    const bytes = this.#buffer.write(value, this.#length + 5, "utf8");
    this.#buffer.writeInt32BE(bytes + 1, this.#length);
    this.#buffer[this.#length + 4] = 1; // jsonb's version
    this.#length += 5 + bytes;
  }

  /** Hex digits as bytea. */
  hex(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const bytes = value.length / 2;
    this.#reserve(4 + bytes);
    this.#buffer.writeInt32BE(bytes, this.#length);
    this.#buffer.write(value, this.#length + 4, bytes, "hex");
    this.#length += 4 + bytes;
  }

  bytea(value: Buffer): void {
    this.#reserve(4 + value.length);
    this.#buffer.writeInt32BE(value.length, this.#length);
    value.copy(this.#buffer, this.#length + 4);
    this.#length += 4 + value.length;
  }

  byteaArray(values: Buffer[]): void {
    this.#reserve(24);
    const start = this.#length;
    const header = [values.length === 0 ? 0 : 1, 0, BYTEA_OID, values.length, 1];
    const words = values.length === 0 ? header.slice(0, 3) : header;
    this.#length += 4;
    for (const word of words) this.#length = this.#buffer.writeInt32BE(word, this.#length);
    for (const value of values) this.bytea(value);
    this.#buffer.writeInt32BE(this.#length - start - 4, start);
  }

  boolean(value: boolean | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(5);
    this.#buffer.writeInt32BE(1, this.#length);
    this.#buffer[this.#length + 4] = value ? 1 : 0;
    this.#length += 5;
  }

  smallint(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(6);
    this.#buffer.writeInt32BE(2, this.#length);
    this.#buffer.writeInt16BE(value, this.#length + 4);
    this.#length += 6;
  }

  /** An integer below 2⁵³. */
  bigint(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(12);
    const high = Math.floor(value / TWO_32);
    this.#buffer.writeInt32BE(8, this.#length);
    this.#buffer.writeInt32BE(high, this.#length + 4);
    this.#buffer.writeUInt32BE(value - high * TWO_32, this.#length + 8);
    this.#length += 12;
  }

  real(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    this.#reserve(8);
    this.#buffer.writeInt32BE(4, this.#length);
    this.#buffer.writeFloatBE(value, this.#length + 4);
    this.#length += 8;
  }

  /** Microseconds since 1970 as timestamptz. */
  timestamp(micros: number): void {
    this.bigint(micros - POSTGRES_EPOCH_MICROS);
  }

  /** The rows so far. The writer is done. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #null(): void {
    this.#reserve(4);
    this.#buffer.writeInt32BE(-1, this.#length);
    this.#length += 4;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
