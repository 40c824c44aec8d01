import fs from "node:fs";
import { childProcesses } from "../support/child-processes.ts";

/** Linux counts a process' time in hundredths of a second. */
const TICK_MS = 10;

/** CPU milliseconds, user and system, that a process has used so far, and with `children` those of its children, ended ones too. Linux only: elsewhere NaN. */
export function cpuMilliseconds(pid: number, { children = false } = {}): number {
  try {
    const own = processTime(pid, children);
    if (!children) return own;
    return childProcesses(pid).reduce((sum, child) => sum + processTime(child.pid), own);
  } catch {
    return Number.NaN;
  }
}

function processTime(pid: number, withEnded = false): number {
  // the name, in brackets, may hold spaces
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const ticks = withEnded ? fields.slice(11, 15) : fields.slice(11, 13);
  return ticks.reduce((sum, tick) => sum + Number(tick), 0) * TICK_MS;
}
