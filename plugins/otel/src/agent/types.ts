import type { Span } from "@opentelemetry/api";
import type { AgentKind } from "../conventions.ts";
import type { ReplyFacts } from "./reply.ts";
import type { SessionOptions } from "./scope.ts";
import type { ControlOptions } from "./stops.ts";

export interface AgentOptions {
  /** The agent's name, e.g. `reporter`. */
  name: string;
  /** Default `other`. */
  kind?: AgentKind;
  /**
   * The collector's origin, for a tracer provider of our own that nothing else in the process sees. Default: the OpenTelemetry SDK
   * that the process has set up, whose instrumentations then nest below these spans; without one nothing is recorded.
   */
  endpoint?: string;
  /** Of `endpoint`, e.g. `{ "x-signalbox-key": … }`. */
  headers?: Readonly<Record<string, string>>;
  /** Model calls go through the Signalbox scheduler, whose spans have their cost. Default false; a call may say otherwise. */
  routed?: boolean;
  /** Prompts, answers, arguments and results go along, secrets taken out. Default false. */
  content?: boolean;
  /** Obey kills and pauses of the scheduler. */
  control?: ControlOptions;
}

/** Under way; `signal` aborts when the session is killed. */
export interface Work {
  readonly signal: AbortSignal;
  readonly span: Span;
}

export interface LlmOptions {
  model: string;
  /** Who answers: `openai`, `aws.bedrock`, … Default: `signalbox` where the call is routed, else whose form the reply has. */
  provider?: string;
  /** As in AgentOptions, for this call. */
  routed?: boolean;
  /** Messages as they are sent; recorded where `content` is on. */
  input?: unknown;
}

export interface LlmCall extends Work {
  /** For the request: whose call it is, and with `endpoint` its `traceparent`; else the process's instrumentation sends that. */
  readonly headers: Record<string, string>;
  /** A reply or a stream's chunk of OpenAI or Anthropic: tokens, model and reason are read from it. What is returned is seen anyway. */
  see(reply: unknown): void;
  /** What cannot be read from a reply, or is known better. */
  record(facts: ReplyFacts): void;
  /** The response's headers: which pool answered. */
  answered(headers: Headers): void;
}

export interface ToolOptions {
  name: string;
  /** The id that the model gave the call. */
  id?: string;
  /** Recorded where `content` is on, as the result is. */
  arguments?: unknown;
}

export interface SubagentOptions {
  name: string;
  /** Default: a new one. The same id later is another turn of the same agent. */
  id?: string;
  /** It goes on when its spawner's turn has ended: a trace of its own, linked to the spawner. */
  background?: boolean;
}

export interface AgentObserver {
  /** All that runs inside belongs to this session. No span of its own. */
  session<T>(session: string | SessionOptions, run: () => T | Promise<T>): Promise<T>;
  /** One turn: a prompt, and all that follows until it is answered. */
  turn<T>(run: (work: Work) => T | Promise<T>): Promise<T>;
  /** One model call. A stream is read inside `run`, each chunk given to `see`; or use `llmStream`. */
  llm<T>(call: string | LlmOptions, run: (call: LlmCall) => T | Promise<T>): Promise<T>;
  /** One model call whose chunks are passed on as they come. It begins with the first `next()`, and ends where reading ends. */
  llmStream<T>(
    call: string | LlmOptions,
    start: (call: LlmCall) => AsyncIterable<T> | Promise<AsyncIterable<T>>,
  ): AsyncGenerator<T, void, undefined>;
  tool<T>(tool: string | ToolOptions, run: (work: Work) => T | Promise<T>): Promise<T>;
  /** A turn of another agent, below the work that is under way here. */
  subagent<T>(agent: string | SubagentOptions, run: (work: Work) => T | Promise<T>): Promise<T>;
  /** Ends what is open as abandoned, and sends what is queued (500 ms at most) where the provider is ours. */
  shutdown(): Promise<void>;
}
