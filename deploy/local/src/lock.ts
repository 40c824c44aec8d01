import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { codeOf } from "./errors.ts";
import { isAlive, startTicks } from "./process-table.ts";
import type { Addresses } from "./settings.ts";

/** A process, told apart from a later one with the same id. */
export interface ProcessMark {
  pid: number;
  /** see startTicks; absent where there is no /proc */
  ticks?: string;
}

/** What the lock file of a state folder holds: who runs here, and where. */
export interface RunningInstall extends ProcessMark {
  state: "starting" | "ready" | "stopping";
  /** RFC 3339 */
  startedAt: string;
  addresses: Addresses;
  /** the embedded Postgres' port, or null when DATABASE_URL names an outside one */
  postgresPort: number | null;
  /** the processes of the parts; what is left of them after a SIGKILL is ended by the next start */
  parts: Record<string, ProcessMark>;
}

/** A held lock. */
export interface Lock {
  update(change: Partial<Omit<RunningInstall, "pid" | "ticks">>): void;
  /** Removes the file, if it is still ours. */
  release(): void;
}

export type LockResult = { held: true; lock: Lock; leftBehind: RunningInstall | undefined } | { held: false; by: RunningInstall };

/**
 * Takes the lock of a state folder, or tells who has it. A lock whose process is gone is taken over, and what it said is
 * handed back in `leftBehind`.
 */
export function takeLock(path: string, install: Omit<RunningInstall, "pid" | "ticks">): LockResult {
  let leftBehind: RunningInstall | undefined;
  let current: RunningInstall = { ...markOf(process.pid), ...install };
  const draft = `${path}.${process.pid}`;
  for (;;) {
    writeFileSync(draft, serialise(current), { mode: 0o600 });
    try {
      // link() is the atomic "create with this content, unless it is there".
      linkSync(draft, path);
      break;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      const holder = readLock(path);
      if (holder && isRunning(holder)) return { held: false, by: holder };
      leftBehind = removeStale(path, holder) ?? leftBehind;
    } finally {
      rmSync(draft, { force: true });
    }
  }
  return {
    held: true,
    leftBehind,
    lock: {
      update(change) {
        current = { ...current, ...change };
        writeFileSync(draft, serialise(current), { mode: 0o600 });
        renameSync(draft, path);
      },
      release() {
        if (readLock(path)?.pid === process.pid) rmSync(path, { force: true });
      },
    },
  };
}

/** Who holds the lock, running or not; undefined when there is no lock, or it is not readable as one. */
export function readLock(path: string): RunningInstall | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as RunningInstall;
  } catch {
    return undefined;
  }
}

/** The install that runs on this state folder now. */
export function runningInstall(path: string): RunningInstall | undefined {
  const holder = readLock(path);
  return holder && isRunning(holder) ? holder : undefined;
}

/** True while the very process that was marked is alive. */
export function isRunning(mark: ProcessMark): boolean {
  return isAlive(mark.pid) && (mark.ticks === undefined || startTicks(mark.pid) === mark.ticks);
}

export function markOf(pid: number): ProcessMark {
  const ticks = startTicks(pid);
  return ticks === undefined ? { pid } : { pid, ticks };
}

/**
 * Takes a stale lock away. Two starts may have judged the same file stale, and one may already have replaced it: so move
 * it aside, look again, and put back what turns out to be someone's live lock.
 */
function removeStale(path: string, judged: RunningInstall | undefined): RunningInstall | undefined {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const moved = readLock(aside);
  if (moved && isRunning(moved)) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  rmSync(aside, { force: true });
  return judged;
}

const serialise = (install: RunningInstall) => `${JSON.stringify(install, null, 2)}\n`;
