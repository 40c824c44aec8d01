import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A home of its own for one agent: it sees nothing of this machine's user, and reaches loopback alone. */
export interface AgentMachine {
  home: string;
  /** A folder in it to work in. */
  project: string;
  /** The whole environment. */
  env: Record<string, string>;
  remove(): void;
}

export function agentMachine(agent: string): AgentMachine {
  const root = mkdtempSync(join(tmpdir(), `signalbox-${agent}-suite-`));
  const home = join(root, "home");
  const project = join(home, "project");
  for (const folder of [project, join(root, "tmp")]) mkdirSync(folder, { recursive: true });
  const nowhere = "http://127.0.0.1:9";
  return {
    home,
    project,
    env: {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: home,
      TMPDIR: join(root, "tmp"),
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      NO_PROXY: "127.0.0.1,localhost",
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export interface AgentEnd {
  code: number | null;
  stdout: string;
  stderr: string;
  /** From its start until its output held the answer; undefined where it never did. */
  answeredSeconds: number | undefined;
  /** From its start to its exit. */
  seconds: number;
}

export interface RunningAgent<End extends AgentEnd = AgentEnd> {
  pid: number;
  end: Promise<End>;
  interrupt(): void;
}

/** Runs an agent's command in a process group of its own, so that whatever is left of it can be found and ended. */
export function startAgent(
  command: string,
  args: readonly string[],
  { project, env }: Pick<AgentMachine, "project" | "env">,
  { timeoutMs, answer }: { timeoutMs: number; answer: RegExp },
): RunningAgent {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    cwd: project,
    env: env as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  let answeredSeconds: number | undefined;
  const sinceStart = () => (performance.now() - startedAt) / 1000;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
    if (answeredSeconds === undefined && answer.test(stdout)) answeredSeconds = sinceStart();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), timeoutMs);
  const end = new Promise<AgentEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, answeredSeconds, seconds: sinceStart() });
    });
  });
  return { pid: child.pid ?? 0, end, interrupt: () => void child.kill("SIGINT") };
}

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
