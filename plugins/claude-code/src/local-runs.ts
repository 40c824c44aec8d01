import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControlOutcome, followControl } from "@signalbox/otel/control-client";

export interface LocalRunsOptions {
  /** Claude Code's folder, `~/.claude` or CLAUDE_CONFIG_DIR. */
  configDir: string;
  schedulerUrl: string;
  /** The admin token. */
  token: string;
}

/** What Claude Code says of each of its processes, in `<configDir>/sessions/<pid>.json`. */
interface LocalRun {
  pid: number;
  sessionId: string;
  /** Of Linux: when the process began, in its clock ticks. A number that another process has now does not match it. */
  procStart: string | undefined;
  /** Nobody sits at it: `claude -p`, or an SDK. */
  headless: boolean;
}

/** The receipt of a kill is waited for two seconds. */
const GONE_WITHIN_MS = 1_500;
const POLL_MS = 20;

/**
 * Carries a kill into the Claude Code processes of this machine and user: a headless run gets SIGINT, which ends it and the commands
 * that it runs within a fraction of a second. An interactive one is left to the person before it: its hooks and the gateway stop the
 * session at its next step.
 */
export function stopLocalRuns({ configDir, schedulerUrl, token }: LocalRunsOptions): { close(): Promise<void> } {
  return followControl({
    schedulerUrl,
    token,
    subscriber: `claude-code on ${hostname()}`,
    onEvent: async ({ type, data }) => {
      const { session } = data;
      if (typeof session !== "string" || !type.startsWith("session.")) return undefined;
      // A pause lets a run end what it is at.
      return type === "session.killed" ? stopRuns(configDir, session) : { outcome: "absent" };
    },
  });
}

/** Stops every headless run of a session. Never throws. */
export async function stopRuns(configDir: string, session: string): Promise<ControlOutcome> {
  const runs = (await localRuns(configDir)).filter(({ sessionId }) => sessionId === session);
  if (runs.length === 0) return { outcome: "absent" };
  const headless = runs.filter((run) => run.headless);
  if (headless.length < runs.length)
    return { outcome: "failed", detail: "it is interactive: it stops at its next step, by its hooks and the gateway" };
  try {
    for (const { pid } of headless) process.kill(pid, "SIGINT");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH") return { outcome: "failed", detail: `SIGINT: ${(error as Error).message}` };
  }
  const deadline = performance.now() + GONE_WITHIN_MS;
  for (const run of headless) {
    while (await isRunning(run)) {
      if (performance.now() > deadline) return { outcome: "failed", detail: `process ${run.pid} still runs` };
      await sleep(POLL_MS);
    }
  }
  return { outcome: "stopped" };
}

async function localRuns(configDir: string): Promise<LocalRun[]> {
  const folder = join(configDir, "sessions");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+\.json$/.test(name));
  const runs: LocalRun[] = [];
  for (const name of names) {
    const run = parsed(await readFile(join(folder, name), "utf8").catch(() => ""));
    if (run !== undefined && (await isRunning(run))) runs.push(run);
  }
  return runs;
}

function parsed(text: string): LocalRun | undefined {
  try {
    const { pid, sessionId, procStart, entrypoint } = JSON.parse(text) as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 1 || typeof sessionId !== "string") return undefined;
    const start = typeof procStart === "string" ? procStart : undefined;
    return { pid: pid as number, sessionId, procStart: start, headless: typeof entrypoint === "string" && entrypoint.startsWith("sdk-") };
  } catch {
    return undefined;
  }
}

async function isRunning({ pid, procStart }: LocalRun): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return process.platform !== "linux";
  // Its name, in brackets, may have spaces: fields are counted behind it. 3 is the state, 22 the start.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] !== "Z" && (procStart === undefined || fields[19] === procStart);
}
