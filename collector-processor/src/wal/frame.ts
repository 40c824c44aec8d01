import { crc32 } from "node:zlib";

/** Where a record stands: a count of bytes since the log began, which grows for ever. */
export interface Position {
  start: number;
  end: number;
}

/**
 * A record in a segment: where it starts in the log, its payload's length, a CRC-32 of payload and these two, then the payload. A start is
 * used once for ever, so a record that an earlier life of the file left is never taken for one of this life.
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

/**
 * The record of that start at offset `at` of `bytes`: where it ends there, and whether it is as it was written; a write that was cut off, or
 * damage, is not. Null: no record of that start was written there.
 */
export function recordAt(bytes: Buffer, at: number, start: number): { end: number; isWhole: boolean } | null {
  if (at + HEADER_BYTES > bytes.length || bytes.readBigUInt64BE(at) !== BigInt(start)) return null;
  const end = at + HEADER_BYTES + bytes.readUInt32BE(at + LENGTH_AT);
  if (end > bytes.length) return { end: bytes.length, isWhole: false };
  const crc = crc32(bytes.subarray(at, at + CRC_AT), crc32(bytes.subarray(at + HEADER_BYTES, end)));
  return { end, isWhole: crc === bytes.readUInt32BE(at + CRC_AT) };
}
