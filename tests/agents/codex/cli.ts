import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AgentEnd, type AgentMachine, agentMachine, type RunningAgent, startAgent } from "../agent-process.ts";
import { userConfig } from "./config.ts";

/** A home of its own for one Codex, with the settings that a suite needs and none that registration writes. */
export interface CodexMachine extends AgentMachine {
  configPath: string;
}

export function codexMachine(providerUrl: string): CodexMachine {
  const machine = agentMachine("codex");
  const configPath = join(machine.home, ".codex", "config.toml");
  mkdirSync(dirname(configPath), { recursive: true });
  writeFileSync(configPath, userConfig(providerUrl));
  writeFileSync(join(machine.project, "AGENTS.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  return { ...machine, configPath, env: { ...machine.env, MINE_KEY: "fake-key" } };
}

export interface CodexEnd extends AgentEnd {
  thread: string | undefined;
}
export type RunningCodex = RunningAgent<CodexEnd>;

/** `codex exec --json`. */
export function startCodex(bin: string, machine: CodexMachine, args: string[], timeoutMs = 120_000): RunningCodex {
  const running = startAgent(bin, ["exec", "--json", "--skip-git-repo-check", ...args], machine, {
    timeoutMs,
    answer: /"type":"turn\.completed"/,
  });
  return { ...running, end: running.end.then((end) => ({ ...end, thread: startedThread(end.stdout) })) };
}

/** The thread that `--json` names. */
export const startedThread = (stdout: string): string | undefined => /"type":"thread.started","thread_id":"([^"]+)"/.exec(stdout)?.[1];
