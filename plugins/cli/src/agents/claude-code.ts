import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { claudeCodeHistory } from "@signalbox/claude-code/import";
import { claudeCodeRegistration, registerClaudeCode, unregisterClaudeCode } from "@signalbox/claude-code/register";
import { SetupError } from "@signalbox/local";
import { type Agent, type AgentPlace, findOnPath } from "./agent.ts";

const TURN_TIMEOUT_MS = 120_000;

export const claudeCode: Agent = {
  name: "claude-code",
  title: "Claude Code",
  perProject: true,
  async register({ schedulerUrl, otlpEndpoint, key, dryRun, observeOnly, trustHooks, ...where }) {
    const claudeBin = claudeCommand();
    const report = await registerClaudeCode({
      ...place(where),
      ...(claudeBin === undefined ? {} : { claudeBin }),
      schedulerUrl,
      otlpEndpoint,
      ...(key === undefined ? {} : { key }),
      trustHooks,
      dryRun,
      observeOnly,
    });
    if (claudeBin === undefined) report.notes.push("There is no claude on the PATH, so its version was not checked (CLAUDE_BIN names it).");
    return report;
  },
  unregister: ({ dryRun, ...where }) => unregisterClaudeCode({ ...place(where), dryRun }),
  history: (home) => claudeCodeHistory(process.env.CLAUDE_CONFIG_DIR || join(home, ".claude")),

  doctor: {
    async registration(where) {
      if (claudeCommand() === undefined) throw new SetupError("agent", "There is no claude on the PATH (CLAUDE_BIN names it).");
      const found = await claudeCodeRegistration(place(where));
      if (found === undefined) throw new SetupError("agent", "Claude Code is not registered: npx signalbox register claude-code");
      const detail = found.routedTo === null ? "observed only" : `routed to ${found.routedTo}`;
      return { detail: `${found.configPath}, ${detail}`, routed: found.routedTo !== null };
    },
    async turn({ project }) {
      const startedAt = performance.now();
      const args = ["-p", "Answer with the word OK and nothing else.", "--output-format", "json", "--max-turns", "1"];
      const options = { timeout: TURN_TIMEOUT_MS, ...(project === undefined ? {} : { cwd: project }) };
      const run = promisify(execFile)(claudeCommand() ?? "claude", args, options);
      // Claude Code would wait three seconds for a prompt on standard input.
      run.child.stdin?.end();
      const { stdout } = await run.catch((error: Error & { stdout?: string }) => ({ stdout: error.stdout || fail(error.message) }));
      const result = parsed(stdout);
      if (result.session_id === undefined || result.is_error === true) fail(result.result ?? stdout);
      const ms = performance.now() - startedAt;
      return { sessionId: result.session_id as string, ms, detail: `claude -p answered in ${(ms / 1000).toFixed(1)} s` };
    },
  },
};

const claudeCommand = () => process.env.CLAUDE_BIN || findOnPath("claude");

/** Claude Code's own variable moves its files; ours moves where the record of the change is kept. */
function place({ home, stateDir, project }: Pick<AgentPlace, "home" | "stateDir" | "project">) {
  const { CLAUDE_CONFIG_DIR: configDir } = process.env;
  return { home, stateDir, ...(configDir ? { configDir } : {}), ...(project === undefined ? {} : { project }) };
}

function parsed(stdout: string): { session_id?: string; is_error?: boolean; result?: string } {
  try {
    return JSON.parse(stdout);
  } catch {
    return fail(stdout);
  }
}

function fail(said: string): never {
  throw new SetupError("agent", `claude -p did not answer: ${said.trim().slice(0, 300)}`);
}
