import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A home of its own for one Codex, with the settings that a suite needs and none that registration writes. */
export interface CodexMachine {
  home: string;
  project: string;
  configPath: string;
  env: Record<string, string>;
  remove(): void;
}

/** What a user might have: comments, a provider of their own, sub-agents on. */
const configOf = (providerUrl: string) => `# a user's own settings
model = "gpt-5-codex"
model_provider = "mine" # direct
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[agents]
max_depth = 3

[features]
multi_agent_v2 = true
plugins = false
remote_plugin = false
plugin_sharing = false
apps = false

[model_providers.mine]
name = "mine"
base_url = "${providerUrl}/v1"
env_key = "MINE_KEY"
wire_api = "responses"
`;

export function codexMachine(providerUrl: string): CodexMachine {
  const root = mkdtempSync(join(tmpdir(), "signalbox-codex-suite-"));
  const home = join(root, "home");
  const project = join(home, "project");
  const configPath = join(home, ".codex", "config.toml");
  for (const folder of [project, dirname(configPath), join(root, "tmp")]) mkdirSync(folder, { recursive: true });
  writeFileSync(configPath, configOf(providerUrl));
  writeFileSync(join(project, "AGENTS.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  const nowhere = "http://127.0.0.1:9";
  return {
    home,
    project,
    configPath,
    env: {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: home,
      TMPDIR: join(root, "tmp"),
      MINE_KEY: "fake-key",
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      NO_PROXY: "127.0.0.1,localhost",
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export interface CodexEnd {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** Of the thread that `--json` names. */
  thread: string | undefined;
}

export interface RunningCodex {
  pid: number;
  end: Promise<CodexEnd>;
  interrupt(): void;
}

/** `codex exec --json` in a process group of its own, so that whatever is left of it can be found and ended. */
export function startCodex(bin: string, machine: CodexMachine, args: string[], timeoutMs = 120_000): RunningCodex {
  const startedAt = performance.now();
  const child = spawn(bin, ["exec", "--json", "--skip-git-repo-check", ...args], {
    cwd: machine.project,
    env: machine.env as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), timeoutMs);
  const end = new Promise<CodexEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      const thread = /"type":"thread.started","thread_id":"([^"]+)"/.exec(stdout)?.[1];
      resolve({ code, stdout, stderr, thread, seconds: (performance.now() - startedAt) / 1000 });
    });
  });
  return { pid: child.pid ?? 0, end, interrupt: () => void child.kill("SIGINT") };
}

/** Polls until the condition holds; rejects with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(50);
  }
}
