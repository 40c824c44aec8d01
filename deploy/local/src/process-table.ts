import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./errors.ts";

/** True while a process with this id exists, ours or not. A zombie is not alive: it holds nothing any more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return false;
  }
  return statFields(pid)?.[0] !== "Z";
}

/** Waits until a process is gone altogether: a child that ended stays a zombie until we have taken note of it. */
export async function untilGone(pid: number, timeoutMs: number): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(10)) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
  }
}

/**
 * When a process was started, in kernel ticks since boot: with its id it names one process for ever, for ids are reused.
 * Undefined where there is no /proc.
 */
export function startTicks(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** /proc/<pid>/stat from its third field (state) on; the second, the name, may hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

export interface PortHolder {
  pid: number;
  /** its command line, cut to one short line */
  command: string;
}

/** The process that listens on a TCP port of this machine, where /proc tells (Linux; another user's only as root). */
export function portHolder(port: number): PortHolder | undefined {
  const inodes = new Set([...listeningInodes("/proc/net/tcp", port), ...listeningInodes("/proc/net/tcp6", port)]);
  if (inodes.size === 0) return undefined;
  for (const pid of processIds()) {
    if (openSockets(pid).some((inode) => inodes.has(inode))) return { pid, command: commandLine(pid) };
  }
  return undefined;
}

function listeningInodes(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const LISTEN = "0A";
  return readLines(table)
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) && fields[3] === LISTEN)
    .map((fields) => fields[9] ?? "");
}

function openSockets(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // another user's process, or gone
  }
}

function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function commandLine(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return text.length > 80 ? `${text.slice(0, 79)}…` : text;
  } catch {
    return "";
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
