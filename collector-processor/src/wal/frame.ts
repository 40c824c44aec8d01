import { crc32 } from "node:zlib";

/** Where a record stands: a count of bytes since the log began, which grows for ever. */
export interface Position {
  start: number;
  end: number;
}

/**
 * A record in a segment: where it starts in the log, its payload's length, a CRC-32 of payload and these two, then the payload. In another
 * life of the file the same place is another start, so a record that an earlier one left is never taken for one of this.
 */
export const HEADER_BYTES = 16;
const LENGTH_AT = 8;
const CRC_AT = 12;

/** `payloadCrc`: of the payload, whose length in bytes is `length`. */
export function recordHeader(start: number, length: number, payloadCrc: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeBigUInt64BE(BigInt(start), 0);
  header.writeUInt32BE(length, LENGTH_AT);
  header.writeUInt32BE(crc32(header.subarray(0, CRC_AT), payloadCrc), CRC_AT);
  return header;
}

interface Found {
  payloadAt: number;
  end: number;
  /** As it was written; a write that was cut off, or damage, is not. */
  isWhole: boolean;
}

/** The record of that start at offset `at` of `bytes`. Null: no record of that start was written there. */
export function recordAt(bytes: Buffer, at: number, start: number): Found | null {
  if (at + HEADER_BYTES > bytes.length || bytes.readBigUInt64BE(at) !== BigInt(start)) return null;
  const payloadAt = at + HEADER_BYTES;
  const end = payloadAt + bytes.readUInt32BE(at + LENGTH_AT);
  if (end > bytes.length) return { payloadAt, end: bytes.length, isWhole: false };
  const crc = crc32(bytes.subarray(at, at + CRC_AT), crc32(bytes.subarray(payloadAt, end)));
  return { payloadAt, end, isWhole: crc === bytes.readUInt32BE(at + CRC_AT) };
}

/** The same for files of builds whose records were a length, a CRC-32 of the payload, and the payload. */
export function olderRecordAt(bytes: Buffer, at: number): Found | null {
  const payloadAt = at + 8;
  if (payloadAt > bytes.length) return null;
  const end = payloadAt + bytes.readUInt32BE(at);
  if (end > bytes.length) return { payloadAt, end: bytes.length, isWhole: false };
  return { payloadAt, end, isWhole: end > payloadAt && bytes.readUInt32BE(at + 4) === crc32(bytes.subarray(payloadAt, end)) };
}
