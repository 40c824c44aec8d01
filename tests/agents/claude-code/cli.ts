import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AgentEnd, type AgentMachine, agentMachine, type RunningAgent, startAgent } from "../agent-process.ts";

/** A home of its own for one Claude Code, with settings that a user might have, and none that registration writes. */
export interface ClaudeMachine extends AgentMachine {
  settingsPath: string;
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
  const machine = agentMachine("claude");
  const settingsPath = join(machine.home, ".claude", "settings.json");
  mkdirSync(dirname(settingsPath), { recursive: true });
  writeFileSync(settingsPath, SETTINGS);
  writeFileSync(join(machine.project, "CLAUDE.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  return {
    ...machine,
    settingsPath,
    env: {
      ...machine.env,
      ANTHROPIC_BASE_URL: providerUrl,
      ANTHROPIC_API_KEY: "users-own-key",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    },
  };
}

export interface ClaudeEnd extends AgentEnd {
  /** What `--output-format json` says at the end; undefined where it said nothing. */
  result: { session_id: string; is_error: boolean; result?: string } | undefined;
}
export type RunningClaude = RunningAgent<ClaudeEnd>;

export const MODEL = "claude-sonnet-4-5";

/** `claude -p`. */
export function startClaude(
  bin: string,
  machine: ClaudeMachine,
  prompt: string,
  options: { args?: string[]; env?: Record<string, string>; timeoutMs?: number } = {},
): RunningClaude {
  const args = ["-p", prompt, "--output-format", "json", "--model", MODEL, "--allowedTools", "Bash,Read,Edit,Write,Agent,Task"];
  const place = { project: machine.project, env: { ...machine.env, ...options.env } };
  const running = startAgent(bin, [...args, ...(options.args ?? [])], place, {
    timeoutMs: options.timeoutMs ?? 60_000,
    answer: /"type":"result"/,
  });
  return { ...running, end: running.end.then((end) => ({ ...end, result: parsed(end.stdout) })) };
}

function parsed(stdout: string): ClaudeEnd["result"] {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
