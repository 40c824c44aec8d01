import fs from "node:fs";
import { childProcesses } from "../support/child-processes.ts";

/** Linux counts a process' time in hundredths of a second. */
const TICK_MS = 10;

/** CPU milliseconds, user and system, that a process has used so far, and with `children` those of its living children. Linux only: elsewhere NaN. */
export function cpuMilliseconds(pid: number, { children = false } = {}): number {
  try {
    const own = processTime(pid);
    if (!children) return own;
    return childProcesses(pid).reduce((sum, child) => sum + processTime(child.pid), own);
  } catch {
    return Number.NaN;
  }
}

function processTime(pid: number): number {
  // the name, in brackets, may hold spaces
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
