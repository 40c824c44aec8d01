/** Taking a pool out of service without loss, and back. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "./pool.ts";

export interface DrainReceipt {
  pool: string;
  state: "draining" | "healthy" | "starting" | "unhealthy";
  /** Calls that had not ended when the wait was over. */
  calls_left: number;
  /** Sessions whose state is on another pool now. */
  sessions_moved: number;
  /** Sessions whose state stays here, since no other pool can go on with it. It is there again when the pool resumes. */
  sessions_kept: number;
}

const LOOK_EVERY_MS = 20;

/** Resolves when the pool's calls have ended and its sessions are elsewhere, or `waitMs` is over. */
export async function drainPool({ name, connection, gate }: Pool, waitMs: number): Promise<DrainReceipt> {
  connection.draining = true;
  const deadline = performance.now() + waitMs;
  while (connection.draining && gate.active + gate.queued > 0 && performance.now() < deadline) await sleep(LOOK_EVERY_MS);
  const moved = (connection.draining && (await connection.sessions?.moveAll())) || { moved: 0, kept: 0 };
  return {
    pool: name,
    state: connection.state.kind,
    calls_left: gate.active + gate.queued,
    sessions_moved: moved.moved,
    sessions_kept: moved.kept,
  };
}

export function resumePool({ name, connection }: Pool): Pick<DrainReceipt, "pool" | "state"> {
  connection.draining = false;
  return { pool: name, state: connection.state.kind };
}
