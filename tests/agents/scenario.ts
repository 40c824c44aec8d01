import type { HookAnswer } from "./capture/hook-sink.ts";
import type { Tasks } from "./tasks.ts";

/** One run of an agent's command to its end. */
export interface Run {
  prompt: string;
  /** Continue the session of the run before. */
  resume?: boolean;
  /** Send SIGINT so long after the n-th request to the provider. */
  interrupt?: { afterRequest: number; delayMs: number };
  /** Further arguments of the command. */
  args?: string[];
}

/** What a recorder captures, and a suite plays again; `Plan` is an answer in the words of the agent's own dialect. */
export interface Scenario<Plan> {
  about: string;
  runs: Run[];
  tasks: Tasks<Plan>;
  env?: Record<string, string>;
  hookAnswer?: HookAnswer;
}

/** Between the words of an answer that is there to be stopped. */
export const CHUNK_MS = 150;
/** An answer that takes more than a minute. */
export const LONG_ANSWER = { text: Array.from({ length: 480 }, (_, index) => `word${index}`).join(" "), chunkDelayMs: CHUNK_MS };

/** Scenarios without tools: the same for every agent. */
export const PLAIN_SCENARIOS = {
  "plain-turn": { about: "one prompt, one answer", runs: [{ prompt: "Say hello" }], tasks: {} },
  "inbound-trace": {
    about: "the CLI is started inside a trace of someone else",
    runs: [{ prompt: "Say hello" }],
    tasks: {},
    env: { TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
  },
  "model-replaced": {
    about: "the answer names another model than was asked for",
    runs: [{ prompt: "REPLACED please" }],
    tasks: { REPLACED: () => ({ text: "From another model.", model: "qwen3-coder-30b", usage: { input_tokens: 1_000_000 } }) },
  },
  "killed-mid-stream": {
    about: "SIGINT while the answer streams",
    runs: [{ prompt: "LONG_ANSWER please", interrupt: { afterRequest: 1, delayMs: 1_500 } }],
    tasks: { LONG_ANSWER: () => LONG_ANSWER },
  },
} satisfies Record<string, Scenario<object>>;

/** What a hook of either agent answers to deny a tool call. */
export const DENIAL = {
  hookSpecificOutput: {
    hookEventName: "PreToolUse",
    permissionDecision: "deny",
    permissionDecisionReason: "Stopped by Signalbox.",
  },
};
/** An answer to one kind of hook, and none to the others. */
export const answerTo =
  (event: string, answer: Record<string, unknown>): HookAnswer =>
  (payload) =>
    payload.hook_event_name === event ? answer : undefined;
/** What a stop says in a hook's answer. */
export const STOP = { continue: false, stopReason: "Stopped by Signalbox." };
