import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A home of its own for one Claude Code, with settings that a user might have, and none that registration writes. */
export interface ClaudeMachine {
  home: string;
  project: string;
  settingsPath: string;
  env: Record<string, string>;
  remove(): void;
}

const SETTINGS = `{
  "permissions": { "allow": ["Bash(echo *)"] },
  "env": {
    "EDITOR_OF_MINE": "vi"
  }
}
`;

/** @param providerUrl where calls go that nobody reroutes */
export function claudeMachine(providerUrl: string): ClaudeMachine {
  const root = mkdtempSync(join(tmpdir(), "signalbox-claude-suite-"));
  const home = join(root, "home");
  const project = join(home, "project");
  const settingsPath = join(home, ".claude", "settings.json");
  for (const folder of [project, dirname(settingsPath), join(root, "tmp")]) mkdirSync(folder, { recursive: true });
  writeFileSync(settingsPath, SETTINGS);
  writeFileSync(join(project, "CLAUDE.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  const nowhere = "http://127.0.0.1:9";
  return {
    home,
    project,
    settingsPath,
    env: {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: home,
      TMPDIR: join(root, "tmp"),
      ANTHROPIC_BASE_URL: providerUrl,
      ANTHROPIC_API_KEY: "users-own-key",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      NO_PROXY: "127.0.0.1,localhost",
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export interface ClaudeEnd {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** What `--output-format json` says at the end; undefined where it said nothing. */
  result: { session_id: string; is_error: boolean; result?: string } | undefined;
}

export interface RunningClaude {
  pid: number;
  end: Promise<ClaudeEnd>;
  interrupt(): void;
}

export const MODEL = "claude-sonnet-4-5";

/** `claude -p` in a process group of its own, so that whatever is left of it can be found and ended. */
export function startClaude(
  bin: string,
  machine: ClaudeMachine,
  prompt: string,
  options: { args?: string[]; env?: Record<string, string>; timeoutMs?: number } = {},
): RunningClaude {
  const startedAt = performance.now();
  const args = ["-p", prompt, "--output-format", "json", "--model", MODEL, "--allowedTools", "Bash,Read,Edit,Write,Agent,Task"];
  const child = spawn(bin, [...args, ...(options.args ?? [])], {
    cwd: machine.project,
    env: { ...machine.env, ...options.env } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), options.timeoutMs ?? 60_000);
  const end = new Promise<ClaudeEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, seconds: (performance.now() - startedAt) / 1000, result: parsed(stdout) });
    });
  });
  return { pid: child.pid ?? 0, end, interrupt: () => void child.kill("SIGINT") };
}

function parsed(stdout: string): ClaudeEnd["result"] {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** Polls until the condition holds; rejects with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(50);
  }
}
