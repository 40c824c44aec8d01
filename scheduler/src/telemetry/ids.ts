/** Trace and span ids, made when a decision is. Random bytes are drawn 4 KB at a time: one draw each is 1 µs on the path. */

import { randomFillSync } from "node:crypto";

const pool = Buffer.alloc(4096);
let used = pool.length;

function hex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}

/** 32 lower-case hex characters. All zero, which is not valid, comes up once in 2¹²⁸. */
export const newTraceId = (): string => hex(16);
/** 16 lower-case hex characters. */
export const newSpanId = (): string => hex(8);
