import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Postgres server, read from the `postmaster.pid` it keeps in its data folder. */
export interface Postmaster {
  pid: number;
  port: number;
  /** accepts connections */
  ready: boolean;
}

const pidFile = (data: string) => path.join(data, "postmaster.pid");

/** The server that runs on a data folder, or undefined: none was started, or its pid file is stale. */
export function runningPostmaster(data: string): Postmaster | undefined {
  const lines = readPidFile(data);
  if (!lines) return undefined;
  const pid = Number(lines[0]);
  if (!isPostgres(pid)) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
}

/** Sends a signal: SIGINT ends sessions and shuts down cleanly, SIGQUIT at once (recovered from the log at the next start). */
export async function stopPostmaster(data: string, signal: "SIGINT" | "SIGQUIT", timeoutMs: number): Promise<boolean> {
  const server = runningPostmaster(data);
  if (!server) return true;
  process.kill(server.pid, signal);
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(20)) {
    if (!fs.existsSync(pidFile(data)) || !isPostgres(server.pid)) return true;
  }
  return false;
}

/**
 * A server that was killed may stay a zombie until pid 1 reaps it (in a container: late, or never). Its pid still answers
 * signal 0, so Postgres believes the old pid file and refuses to start. Wait for the reaping; after 5 s drop the file of a
 * process that is certainly dead.
 */
export async function clearZombie(data: string): Promise<void> {
  for (let waited = 0; ; waited += 100) {
    const pid = Number(readPidFile(data)?.[0]);
    if (!pid || processState(pid) !== "Z") return;
    if (waited >= 5000) return fs.rmSync(pidFile(data), { force: true });
    await sleep(100);
  }
}

function readPidFile(data: string): string[] | undefined {
  try {
    return fs.readFileSync(pidFile(data), "utf8").split("\n");
  } catch {
    return undefined;
  }
}

/** Alive, not a zombie, and (where /proc tells) Postgres rather than a later owner of the same pid. */
function isPostgres(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const state = processState(pid);
  if (state === undefined) return true;
  return state !== "Z" && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
}

/** The state letter of /proc/<pid>/stat; undefined where there is no /proc or no such process. */
function processState(pid: number): string | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "")[0];
  } catch {
    return undefined;
  }
}
