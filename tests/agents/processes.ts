import { readdirSync, readFileSync } from "node:fs";

/** Whether a process of this machine has this in its command line. */
export function runs(mark: string): boolean {
  return readdirSync("/proc").some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}
