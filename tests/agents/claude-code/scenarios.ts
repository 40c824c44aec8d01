import { answerTo, DENIAL, LONG_ANSWER, PLAIN_SCENARIOS, type Scenario, STOP } from "../scenario.ts";
import { steps, type Tasks } from "../tasks.ts";
import type { MessagesPlan } from "./messages-dialect.ts";

export type ClaudeCodeScenario = Scenario<MessagesPlan>;
export type ClaudeCodeTasks = Tasks<MessagesPlan>;

const bash = (command: string) => ({ name: "Bash", input: { command, description: "scripted command" } });
const agent = (prompt: string, more: Record<string, unknown> = {}) => ({
  name: "Agent",
  input: { description: "scripted task", prompt, subagent_type: "general-purpose", run_in_background: false, ...more },
});
const oneBash = steps({ toolCalls: [bash("echo child-$((1+1))")] });
const refusal = (status: number, type: string, headers?: Record<string, string>): MessagesPlan => ({
  error: { status, type, message: "Signalbox: the budget of this session is used up.", ...(headers ? { headers } : {}) },
});

export const SCENARIOS: Record<string, ClaudeCodeScenario> = {
  ...PLAIN_SCENARIOS,
  "tool-call": {
    about: "one Bash call that works",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: steps({ toolCalls: [bash("echo hi-from-bash")] }) },
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
  "killed-in-sub-agent": {
    about: "SIGINT while a sub-agent's answer streams",
    runs: [{ prompt: "PARENT_TASK please", interrupt: { afterRequest: 2, delayMs: 1_500 } }],
    tasks: {
      PARENT_TASK: steps({ toolCalls: [agent("LONG_ANSWER please")] }),
      LONG_ANSWER: () => LONG_ANSWER,
    },
  },
  "refused-402": {
    about: "the gateway refuses with 402",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(402, "billing_error") },
  },
  "refused-400": {
    about: "the gateway refuses with 400",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(400, "invalid_request_error") },
  },
  "refused-429-no-retry": {
    about: "the gateway refuses with 429 and x-should-retry: false",
    runs: [{ prompt: "REFUSED please" }],
    tasks: { REFUSED: () => refusal(429, "rate_limit_error", { "x-should-retry": "false" }) },
  },
  "refused-402-mid-turn": {
    about: "a sub-agent is refused with 402 after its first tool call; its parent after that",
    runs: [{ prompt: "PARENT_TASK please" }],
    tasks: {
      PARENT_TASK: (results) => (results === 0 ? { toolCalls: [agent("CHILD_TASK please")] } : refusal(402, "billing_error")),
      CHILD_TASK: (results) => (results === 0 ? { toolCalls: [bash("echo child")] } : refusal(402, "billing_error")),
    },
  },
  "stopped-by-prompt-hook": {
    about: "UserPromptSubmit answers continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: answerTo("UserPromptSubmit", STOP),
  },
  "stopped-by-tool-hook": {
    about: "PreToolUse denies with continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: answerTo("PreToolUse", { ...STOP, ...DENIAL }),
  },
  "stopped-after-tool-hook": {
    about: "PostToolUse answers continue: false",
    runs: [{ prompt: "TOOL_CALL please" }],
    tasks: { TOOL_CALL: oneBash },
    hookAnswer: answerTo("PostToolUse", STOP),
  },
};
