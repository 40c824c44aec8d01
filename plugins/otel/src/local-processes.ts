import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControlOutcome, followControl } from "./control-client.ts";

/** A process of this machine and user. */
export interface LocalProcess {
  pid: number;
  /** On Linux: when it began, in its clock ticks. A number that another process has now does not match it. */
  start: string | undefined;
}

/** The receipt of a kill is waited for two seconds. */
const GONE_WITHIN_MS = 1_500;
const POLL_MS = 20;

/** When a process of this number began; undefined where there is none, or not told. */
export async function startOf(pid: number): Promise<string | undefined> {
  return (await statOf(pid))?.[19];
}

export async function isRunning({ pid, start }: LocalProcess): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const fields = await statOf(pid);
  if (fields === undefined) return process.platform !== "linux";
  return fields[0] !== "Z" && (start === undefined || fields[19] === start);
}

/** What these have started, at any depth, and is still below them: the commands that an agent runs. Empty where there is no /proc. */
export async function descendantsOf(processes: readonly LocalProcess[]): Promise<LocalProcess[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(pids.map(async (pid) => ({ pid, fields: await statOf(pid) })));
  const below = new Set(processes.map(({ pid }) => pid));
  const found: LocalProcess[] = [];
  for (let before = -1; found.length > before; ) {
    before = found.length;
    for (const { pid, fields } of all) {
      if (fields === undefined || below.has(pid) || !below.has(Number(fields[1]))) continue;
      below.add(pid);
      found.push({ pid, start: fields[19] });
    }
  }
  return found;
}

/** Its name, in brackets, may have spaces: fields are counted behind it. 0 is the state, 1 the parent, 19 the start. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Waits until they are gone; the first that is not after so long. */
export async function untilGone(processes: readonly LocalProcess[], withinMs: number): Promise<LocalProcess | undefined> {
  const deadline = performance.now() + withinMs;
  for (const one of processes) {
    while (await isRunning(one)) {
      if (performance.now() > deadline) return one;
      await sleep(POLL_MS);
    }
  }
  return undefined;
}

/** Sends SIGINT to each, and waits until they are gone, and with them their commands: what was below them before. Never throws. */
export async function interrupt(processes: readonly LocalProcess[], commands: readonly LocalProcess[]): Promise<ControlOutcome> {
  try {
    for (const { pid } of processes) process.kill(pid, "SIGINT");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH") return { outcome: "failed", detail: `SIGINT: ${(error as Error).message}` };
  }
  const left = await untilGone([...processes, ...commands], GONE_WITHIN_MS);
  return left === undefined ? { outcome: "stopped" } : { outcome: "failed", detail: `process ${left.pid} still runs` };
}

export interface FollowKillsOptions {
  /** In receipts: `<agent> on <host>`. */
  agent: string;
  schedulerUrl: string;
  /** The admin token. */
  token: string;
  /** Must not throw. */
  stop(session: string): Promise<ControlOutcome>;
}

/** Carries kills of sessions to the processes of this machine. A pause lets a run end what it is at. */
export function followKills({ agent, schedulerUrl, token, stop }: FollowKillsOptions): { close(): Promise<void> } {
  return followControl({
    schedulerUrl,
    token,
    subscriber: `${agent} on ${hostname()}`,
    onEvent: async ({ type, data }) => {
      const { session, elsewhere } = data;
      if (typeof session !== "string" || !type.startsWith("session.")) return undefined;
      // a stop of one project's session, where the scheduler saw that id in others alone: so is what runs here
      return type === "session.killed" && elsewhere !== true ? stop(session) : { outcome: "absent" };
    },
  });
}
