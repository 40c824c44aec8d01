import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlOutcome } from "@signalbox/otel/control-client";
import { descendantsOf, followKills, interrupt, isRunning, type LocalProcess } from "@signalbox/otel/local-processes";

export interface LocalRunsOptions {
  /** Claude Code's folder, `~/.claude` or CLAUDE_CONFIG_DIR. */
  configDir: string;
  schedulerUrl: string;
  /** The admin token. */
  token: string;
}

/** What Claude Code says of each of its processes, in `<configDir>/sessions/<pid>.json`. */
interface LocalRun extends LocalProcess {
  sessionId: string;
  /** Nobody sits at it: `claude -p`, or an SDK. */
  headless: boolean;
}

/**
 * Carries a kill into the Claude Code processes of this machine and user: a headless run gets SIGINT, which ends it and the commands
 * that it runs within a fraction of a second. An interactive one is left to the person before it: its hooks and the gateway stop the
 * session at its next step.
 */
export const stopLocalRuns = ({ configDir, ...control }: LocalRunsOptions): { close(): Promise<void> } =>
  followKills({ agent: "claude-code", ...control, stop: (session) => stopRuns(configDir, session) });

/** Stops every headless run of a session. Never throws. */
export async function stopRuns(configDir: string, session: string): Promise<ControlOutcome> {
  const runs = (await localRuns(configDir)).filter(({ sessionId }) => sessionId === session);
  if (runs.length === 0) return { outcome: "absent" };
  if (runs.some(({ headless }) => !headless))
    return { outcome: "failed", detail: "it is interactive: it stops at its next step, by its hooks and the gateway" };
  return interrupt(runs, await descendantsOf(runs));
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
    return { pid: pid as number, sessionId, start, headless: typeof entrypoint === "string" && entrypoint.startsWith("sdk-") };
  } catch {
    return undefined;
  }
}
