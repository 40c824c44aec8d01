/** Tells Signalbox of an agent of one's own. */
export { observeAgent } from "./observe.ts";
export type { ReplyFacts } from "./reply.ts";
export type { SessionOptions } from "./scope.ts";
export { type ControlOptions, SessionStoppedError } from "./stops.ts";
export type { AgentObserver, AgentOptions, LlmCall, LlmOptions, SubagentOptions, ToolOptions, Work } from "./types.ts";
