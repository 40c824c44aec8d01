import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, type ProcessMark } from "./lock.ts";

/** Parts notice that their supervisor was killed and drain for at most 5 s. */
const DRAIN_MS = 6_000;

/**
 * Waits for the parts of a supervisor that was killed, and ends those that stay: they hold the ports.
 * @returns the names of those that were still there
 */
export async function endLeftBehind(parts: Readonly<Record<string, ProcessMark>>, drainMs = DRAIN_MS): Promise<string[]> {
  const left = Object.entries(parts).filter(([, mark]) => isRunning(mark));
  const deadline = performance.now() + drainMs;
  while (left.some(([, mark]) => isRunning(mark)) && performance.now() < deadline) await sleep(50);
  for (const [, mark] of left) {
    if (!isRunning(mark)) continue;
    try {
      process.kill(process.platform === "win32" ? mark.pid : -mark.pid, "SIGKILL");
    } catch {
      // gone in between
    }
  }
  return left.map(([name]) => name);
}
