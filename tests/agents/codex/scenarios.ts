import type { HookAnswer } from "../capture/hook-sink.ts";
import { answerTo, DENIAL, LONG_ANSWER, PLAIN_SCENARIOS, type Scenario, STOP } from "../scenario.ts";
import { steps, type TaskScript, type Tasks } from "../tasks.ts";
import type { ResponsesPlan } from "./responses-dialect.ts";

export interface CodexScenario extends Scenario<ResponsesPlan> {
  /** Default json. */
  otlpProtocol?: "json" | "binary";
}
export type CodexTasks = Tasks<ResponsesPlan>;

/** In the command line of a process that a kill must end. */
export const COMMAND_MARK = "signalbox-kill-41337";

const shell = (command: string) => ({ name: "exec_command", arguments: { cmd: command } });
const spawn = (name: string, message: string) => ({ name: "spawn_agent", arguments: { task_name: name, message, fork_turns: "none" } });
const wait = () => ({ name: "wait_agent", arguments: { timeout_ms: 20_000 } });
const oneCommand = steps({ toolCalls: [shell("echo child-$((1+1))")] });

/** Of multi_agent v1: agents have ids, not names. */
const spawnAndWait =
  (message: string): TaskScript<ResponsesPlan> =>
  (results, _attempt, outputs) => {
    if (results === 0) return { toolCalls: [{ name: "spawn_agent", arguments: { message } }] };
    if (results > 1) return { text: "All finished." };
    const { agent_id: id } = JSON.parse(outputs[0] ?? "{}") as { agent_id?: string };
    return { toolCalls: [{ name: "wait_agent", arguments: { targets: [id], timeout_ms: 20_000 } }] };
  };

const BUDGET = "Signalbox: the budget of this session is used up.";
const refusal = (status: number, type: string, code: string): ResponsesPlan => ({
  error: { status, body: { error: { type, code, message: BUDGET } } },
});

export const SCENARIOS: Record<string, CodexScenario> = {
  ...PLAIN_SCENARIOS,
  memory: {
    about: "AGENTS.md read by commands, patched, and written by a redirection",
    runs: [{ prompt: "MEMORY please" }],
    tasks: {
      MEMORY: steps(
        { toolCalls: [shell("cat AGENTS.md")] },
        { toolCalls: [shell("sed -n '1,2p' AGENTS.md")] },
        {
          toolCalls: [
            shell(
              "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: AGENTS.md\n@@\n-The favourite colour is teal.\n+The favourite colour is green.\n*** End Patch\nEOF",
            ),
          ],
        },
        { toolCalls: [shell("echo '- likes tea' >> AGENTS.md")] },
        { toolCalls: [shell("cat no/AGENTS.md")] },
      ),
    },
  },
  "tool-call": {
    about: "one command that works",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: steps({ toolCalls: [shell("echo hi-from-shell")] }) },
  },
  "tool-call-protobuf": {
    about: "one command, telemetry as protobuf",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: steps({ toolCalls: [shell("echo hi-from-shell")] }) },
    otlpProtocol: "binary",
  },
  "failing-tool": {
    about: "a command that exits with 3, then a tool that does not exist",
    runs: [{ prompt: "FAILING_TOOL please" }],
    tasks: {
      FAILING_TOOL: steps({ toolCalls: [shell("echo failing >&2; exit 3")] }, { toolCalls: [{ name: "no_such_tool", arguments: {} }] }),
    },
  },
  "parallel-tools": {
    about: "three commands in one answer",
    runs: [{ prompt: "PARALLEL_TOOLS please" }],
    tasks: {
      PARALLEL_TOOLS: steps({
        text: "Three at once.",
        toolCalls: [shell("sleep 0.2; echo one"), shell("sleep 0.2; echo two"), shell("cat AGENTS.md")],
      }),
    },
  },
  "sub-agent": {
    about: "spawn_agent whose agent runs a command, then wait_agent",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: steps(
        { toolCalls: [shell("echo parent")] },
        { toolCalls: [spawn("child", "CHILD_TASK please")] },
        { toolCalls: [wait()] },
      ),
      CHILD_TASK: oneCommand,
    },
  },
  "nested-sub-agents": {
    about: "an agent that spawns an agent that runs a command, with multi_agent v1: agents of v2 get no tools to spawn more",
    runs: [{ prompt: "PARENT_TASK please", args: ["-c", "features.multi_agent_v2=false"] }],
    tasks: { PARENT_TASK: spawnAndWait("MIDDLE_TASK please"), MIDDLE_TASK: spawnAndWait("CHILD_TASK please"), CHILD_TASK: oneCommand },
  },
  "parallel-sub-agents": {
    about: "two agents spawned in one answer",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: steps(
        { toolCalls: [spawn("one", "CHILD_TASK please"), spawn("two", "CHILD_TASK please, again")] },
        // Two outputs are there after the spawns.
        { toolCalls: [wait()] },
        { toolCalls: [wait()] },
      ),
      CHILD_TASK: oneCommand,
    },
  },
  "background-sub-agent": {
    about: "an agent is spawned and nobody waits for it: the parent's turn ends first",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [spawn("child", "CHILD_TASK please")] }),
      CHILD_TASK: steps({ toolCalls: [shell("sleep 1; echo child")] }),
    },
  },
  "retry-429": {
    about: "the first request is answered with 429 and retry-after 1, the second with an answer",
    runs: [{ prompt: "RETRIED please" }],
    tasks: {
      RETRIED: (_results, attempt) =>
        attempt === 1
          ? {
              error: {
                status: 429,
                headers: { "retry-after": "1" },
                body: { error: { type: "rate_limit_exceeded", code: "rate_limit_exceeded", message: "Slow down." } },
              },
            }
          : { text: "Second time lucky." },
    },
  },
  "cached-prompt": {
    about: "usage with cached and reasoning tokens",
    runs: [{ prompt: "CACHED please" }],
    tasks: {
      CACHED: () => ({
        text: "From the cache.",
        usage: { input_tokens: 13_000, cached_tokens: 12_000, cache_write_tokens: 500, output_tokens: 90, reasoning_tokens: 64 },
      }),
    },
  },
  compaction: {
    about: "a turn whose usage passes the auto-compaction limit, and a tool call after the compaction",
    runs: [{ prompt: "BIG_TURN please", args: ["-c", "model_auto_compact_token_limit=20000"] }],
    tasks: {
      BIG_TURN: (results, attempt) =>
        results === 0 && attempt === 1
          ? { toolCalls: [shell("echo before-compaction")], usage: { input_tokens: 30_000 } }
          : { text: "After the compaction." },
    },
  },
  resume: {
    about: "two runs of one session",
    runs: [{ prompt: "FIRST_TURN please" }, { prompt: "LAST_TURN please", resume: true }],
    tasks: { FIRST_TURN: () => ({ text: "First." }), LAST_TURN: steps({ toolCalls: [shell("echo second")] }) },
  },
  "killed-in-sub-agent": {
    about: "SIGINT while a sub-agent's answer streams and its parent waits",
    runs: [{ prompt: "PARENT_TASK please", interrupt: { afterRequest: 3, delayMs: 1_500 } }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [spawn("child", "LONG_ANSWER please")] }, { toolCalls: [wait()] }),
      LONG_ANSWER: () => LONG_ANSWER,
    },
  },
  "killed-in-nested-command": {
    about: "SIGINT while a sub-agent's sub-agent runs a command, with multi_agent v1",
    runs: [{ prompt: "PARENT_TASK please", args: ["-c", "features.multi_agent_v2=false"], interrupt: { afterRequest: 5, delayMs: 1_500 } }],
    tasks: {
      PARENT_TASK: spawnAndWait("MIDDLE_TASK please"),
      MIDDLE_TASK: spawnAndWait("CHILD_TASK please"),
      CHILD_TASK: steps({ toolCalls: [shell(`sleep 20; echo ${COMMAND_MARK}`)] }),
      LONG_ANSWER: () => LONG_ANSWER,
    },
  },
  "refused-400": {
    about: "the gateway refuses with 400",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(400, "invalid_request_error", "budget_exceeded") },
  },
  "refused-402": {
    about: "the gateway refuses with 402",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(402, "billing_error", "budget_exceeded") },
  },
  "refused-403": {
    about: "the gateway refuses with 403",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(403, "permission_error", "budget_exceeded") },
  },
  "refused-429-quota": {
    about: "the gateway refuses with 429 insufficient_quota",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(429, "insufficient_quota", "insufficient_quota") },
  },
  "refused-503": {
    about: "the gateway answers 503; SIGINT after 12 seconds",
    runs: [{ prompt: "REFUSED please", interrupt: { afterRequest: 1, delayMs: 12_000 } }],
    tasks: { REFUSED: () => refusal(503, "server_error", "overloaded") },
  },
  "refused-400-mid-turn": {
    about: "a sub-agent is refused with 400 after its first command; its parent after that",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: (results) =>
        results === 0
          ? { toolCalls: [spawn("child", "CHILD_TASK please")] }
          : results === 1
            ? { toolCalls: [wait()] }
            : refusal(400, "invalid_request_error", "budget_exceeded"),
      CHILD_TASK: (results) =>
        results === 0 ? { toolCalls: [shell("echo child")] } : refusal(400, "invalid_request_error", "budget_exceeded"),
    },
  },
  "stopped-by-prompt-hook": {
    about: "UserPromptSubmit answers decision: block",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneCommand },
    hookAnswer: answerTo("UserPromptSubmit", { decision: "block", reason: "Stopped by Signalbox." }),
  },
  "denied-by-tool-hook": {
    about: "PreToolUse denies: the model hears of it and the turn goes on",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneCommand },
    hookAnswer: answerTo("PreToolUse", DENIAL),
  },
  "stopped-after-tool-hook": {
    about: "PostToolUse answers continue: false, and the turn goes on",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneCommand },
    hookAnswer: answerTo("PostToolUse", STOP),
  },
  "stopped-by-model-hook": {
    about: "the second PreModelRequest answers decision: block and continue: false, and the turn goes on",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneCommand },
    hookAnswer: secondModelRequest(),
  },
};

function secondModelRequest(): HookAnswer {
  let seen = 0;
  return (payload) => {
    if (payload.hook_event_name !== "PreModelRequest") return undefined;
    seen += 1;
    return seen >= 2 ? { decision: "block", reason: "Stopped by Signalbox.", ...STOP } : undefined;
  };
}
