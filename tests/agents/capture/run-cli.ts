import { spawn } from "node:child_process";
import type { RunRecord } from "./fixture-format.ts";
import type { Recording } from "./recording.ts";

export interface CliRun {
  command: string;
  args: string[];
  cwd: string;
  /** The whole environment of the process: nothing is inherited. */
  env: Record<string, string>;
  /** Resolves when the scenario wants the process to get SIGINT. */
  interruptWhen?: Promise<void>;
  /** Default 60,000; then the process gets SIGKILL. */
  timeoutMs?: number;
}

/** Variables of every run: not recorded. */
const COMMON = new Set(["PATH", "HOME", "TMPDIR"]);
const MAX_OUTPUT = 2 * 1024 * 1024;

/** Runs the agent once to its end and records how it ended. Rejects where it cannot start. */
export function runCli(recording: Recording, run: CliRun): Promise<RunRecord> {
  const startedAt = recording.now();
  return new Promise((resolve, reject) => {
    const child = spawn(run.command, run.args, { cwd: run.cwd, env: run.env as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    let signalledAt: number | undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      if (stdout.length < MAX_OUTPUT) stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < MAX_OUTPUT) stderr += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), run.timeoutMs ?? 60_000);
    void run.interruptWhen?.then(() => {
      signalledAt = recording.now();
      child.kill("SIGINT");
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`cannot run ${run.command}: ${error.message}`));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const env = Object.fromEntries(Object.entries(run.env).filter(([name]) => !COMMON.has(name)));
      const record: RunRecord = {
        kind: "run",
        t_ms: recording.now(),
        argv: run.args,
        env,
        code,
        signal,
        duration_ms: recording.now() - startedAt,
        ...(signalledAt === undefined ? {} : { signalled_at_ms: signalledAt }),
        stdout,
        stderr,
      };
      recording.add(record);
      resolve(record);
    });
  });
}
