import type { HookAnswer } from "../capture/hook-sink.ts";
import type { MessagesPlan } from "./messages-dialect.ts";
import type { Tasks } from "./script.ts";

export interface ClaudeCodeRun {
  prompt: string;
  /** Continue the session of the run before. */
  resume?: boolean;
  args?: string[];
  /** Send SIGINT so long after the n-th request to the provider. */
  interrupt?: { afterRequest: number; delayMs: number };
}

export interface ClaudeCodeScenario {
  about: string;
  runs: ClaudeCodeRun[];
  tasks: Tasks;
  env?: Record<string, string>;
  hookAnswer?: HookAnswer;
}

const LONG_TEXT = Array.from({ length: 480 }, (_, index) => `word${index}`).join(" ");

const bash = (command: string) => ({ name: "Bash", input: { command, description: "scripted command" } });
const agent = (prompt: string, more: Record<string, unknown> = {}) => ({
  name: "Agent",
  input: { description: "scripted task", prompt, subagent_type: "general-purpose", run_in_background: false, ...more },
});
/** Tool calls one after the other, then a text. */
const steps =
  (...plans: MessagesPlan[]) =>
  (results: number): MessagesPlan =>
    plans[results] ?? { text: "All finished." };
const oneBash = steps({ toolCalls: [bash("echo child-$((1+1))")] });
const refuse = (status: number, type: string, headers?: Record<string, string>): Tasks => ({
  REFUSED: () => ({
    error: { status, type, message: "Signalbox: the budget of this session is used up.", ...(headers ? { headers } : {}) },
  }),
});

export const SCENARIOS: Record<string, ClaudeCodeScenario> = {
  "plain-turn": { about: "one prompt, one answer", runs: [{ prompt: "Say hello" }], tasks: {} },
  "tool-call": {
    about: "one Bash call that works",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: steps({ toolCalls: [bash("echo hi-from-bash")] }) },
  },
  "inbound-trace": {
    about: "the CLI is started inside a trace of someone else",
    runs: [{ prompt: "Say hello" }],
    tasks: {},
    env: { TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
  },
  "tool-call-protobuf": {
    about: "one Bash call, telemetry as http/protobuf",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: steps({ toolCalls: [bash("echo hi-from-bash")] }) },
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" },
  },
  "failing-tool": {
    about: "a Bash call that exits with 3, then a Read of a file that does not exist",
    runs: [{ prompt: "FAILING_TOOL please" }],
    tasks: {
      FAILING_TOOL: steps(
        { toolCalls: [bash("echo failing >&2; exit 3")] },
        { toolCalls: [{ name: "Read", input: { file_path: "/no/such/file.md" } }] },
      ),
    },
  },
  "parallel-tools": {
    about: "two Bash calls and a Read in one answer",
    runs: [{ prompt: "PARALLEL_TOOLS please" }],
    tasks: {
      PARALLEL_TOOLS: steps({
        text: "Three at once.",
        toolCalls: [bash("sleep 0.2; echo one"), bash("sleep 0.2; echo two"), { name: "Read", input: { file_path: "CLAUDE.md" } }],
      }),
    },
  },
  "sub-agent": {
    about: "an Agent call whose sub-agent runs Bash",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: { PARENT_TASK: steps({ toolCalls: [bash("echo parent")] }, { toolCalls: [agent("CHILD_TASK please")] }), CHILD_TASK: oneBash },
  },
  "nested-sub-agents": {
    about: "a sub-agent that starts a sub-agent that runs Bash",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [agent("MIDDLE_TASK please")] }),
      MIDDLE_TASK: steps({ toolCalls: [agent("CHILD_TASK please")] }),
      CHILD_TASK: oneBash,
    },
  },
  "parallel-sub-agents": {
    about: "two Agent calls in one answer",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: { PARENT_TASK: steps({ toolCalls: [agent("CHILD_TASK please"), agent("CHILD_TASK please, again")] }), CHILD_TASK: oneBash },
  },
  "background-sub-agent": {
    about: "an Agent call in the background: the parent's turn goes on, the result comes later",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [agent("CHILD_TASK please", { run_in_background: true })] }),
      CHILD_TASK: steps({ toolCalls: [bash("sleep 1; echo child")] }),
    },
  },
  "retry-429": {
    about: "the first request is answered with 429 and retry-after 1, the second with an answer",
    runs: [{ prompt: "RETRIED please" }],
    tasks: {
      RETRIED: (_results, attempt) =>
        attempt === 1
          ? { error: { status: 429, type: "rate_limit_error", message: "Slow down.", headers: { "retry-after": "1" } } }
          : { text: "Second time lucky." },
    },
  },
  "cached-prompt": {
    about: "usage with cache reads and both kinds of cache writes",
    runs: [{ prompt: "CACHED please" }],
    tasks: {
      CACHED: () => ({
        text: "From the cache.",
        usage: {
          input_tokens: 7,
          cache_read_input_tokens: 12_000,
          cache_creation_input_tokens: 900,
          cache_creation: { ephemeral_5m_input_tokens: 600, ephemeral_1h_input_tokens: 300 },
        },
      }),
    },
  },
  compaction: {
    about: "a turn, then /compact on the resumed session, then one more turn",
    runs: [{ prompt: "FIRST_TURN please" }, { prompt: "/compact", resume: true }, { prompt: "LAST_TURN please", resume: true }],
    tasks: {
      FIRST_TURN: steps({ toolCalls: [bash("echo before-compaction")] }),
      LAST_TURN: () => ({ text: "After the compaction." }),
    },
  },
  resume: {
    about: "two runs of one session",
    runs: [{ prompt: "FIRST_TURN please" }, { prompt: "LAST_TURN please", resume: true }],
    tasks: { FIRST_TURN: () => ({ text: "First." }), LAST_TURN: steps({ toolCalls: [bash("echo second")] }) },
  },
  "model-replaced": {
    about: "the answer names another model than was asked for",
    runs: [{ prompt: "REPLACED please" }],
    tasks: { REPLACED: () => ({ text: "From another model.", model: "qwen3-coder-30b", usage: { input_tokens: 1_000_000 } }) },
  },
  "killed-mid-stream": {
    about: "SIGINT while the answer streams",
    runs: [{ prompt: "LONG_ANSWER please", interrupt: { afterRequest: 1, delayMs: 1_500 } }],
    tasks: { LONG_ANSWER: () => ({ text: LONG_TEXT, chunkDelayMs: 150 }) },
  },
  "killed-in-sub-agent": {
    about: "SIGINT while a sub-agent's answer streams",
    runs: [{ prompt: "PARENT_TASK please", interrupt: { afterRequest: 2, delayMs: 1_500 } }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [agent("LONG_ANSWER please")] }),
      LONG_ANSWER: () => ({ text: LONG_TEXT, chunkDelayMs: 150 }),
    },
  },
  "refused-402": {
    about: "the gateway refuses with 402",
    runs: [{ prompt: "REFUSED please" }],
    tasks: refuse(402, "billing_error"),
  },
  "refused-400": {
    about: "the gateway refuses with 400",
    runs: [{ prompt: "REFUSED please" }],
    tasks: refuse(400, "invalid_request_error"),
  },
  "refused-429-no-retry": {
    about: "the gateway refuses with 429 and x-should-retry: false",
    runs: [{ prompt: "REFUSED please" }],
    tasks: refuse(429, "rate_limit_error", { "x-should-retry": "false" }),
  },
  "refused-402-mid-turn": {
    about: "a sub-agent is refused with 402 after its first tool call; its parent after that",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: (results) =>
        results === 0 ? { toolCalls: [agent("CHILD_TASK please")] } : (refuse(402, "billing_error").REFUSED?.(0, 1) ?? {}),
      CHILD_TASK: (results) => (results === 0 ? { toolCalls: [bash("echo child")] } : (refuse(402, "billing_error").REFUSED?.(0, 1) ?? {})),
    },
  },
  "stopped-by-prompt-hook": {
    about: "UserPromptSubmit answers continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: (payload) =>
      payload.hook_event_name === "UserPromptSubmit" ? { continue: false, stopReason: "Stopped by Signalbox." } : undefined,
  },
  "stopped-by-tool-hook": {
    about: "PreToolUse denies with continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: (payload) =>
      payload.hook_event_name === "PreToolUse"
        ? {
            continue: false,
            stopReason: "Stopped by Signalbox.",
            hookSpecificOutput: {
              hookEventName: "PreToolUse",
              permissionDecision: "deny",
              permissionDecisionReason: "Stopped by Signalbox.",
            },
          }
        : undefined,
  },
  "stopped-after-tool-hook": {
    about: "PostToolUse answers continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: (payload) =>
      payload.hook_event_name === "PostToolUse" ? { continue: false, stopReason: "Stopped by Signalbox." } : undefined,
  },
};
