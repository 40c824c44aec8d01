import { createHash } from "node:crypto";
import { type AgentKind, Attribute, Operation, spanName } from "../conventions.ts";
import type { MemoryAccess } from "../memory/index.ts";
import { SpanKind, type SpanRecord } from "../provider.ts";
import { redactText } from "../redact.ts";

/** Whose history it is: one agent's in one session. */
export interface ThreadIdentity {
  /** The root session's id, as the live spans of this agent have it. */
  sessionId: string;
  /** As live; the session id for the root agent. */
  agentId: string;
  agentKind: AgentKind;
  parentAgentId?: string;
  depth?: number;
  agentName?: string;
  channel?: string;
  task?: string;
  /** The tool call that spawned this agent. */
  spawnedByToolCall?: string;
  /** The span that this agent's turns hang below, from {@link toolSpanId} or {@link turnSpanId}. */
  parentSpanId?: string;
}

/** One part of a message of the GenAI schema. */
export type MessagePart = Readonly<Record<string, unknown>> & { type: string };

export interface HistoryCall {
  /** What a live record of it may be known by, most telling first; at least one. */
  ids: readonly string[];
  provider: string;
  /** The model that answered. */
  model: string;
  requestModel?: string;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  /** Input includes what was cached, output what was reasoning. */
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  /** The part of cacheWriteTokens that lives an hour. */
  cacheWrite1hTokens?: number;
  reasoningTokens?: number;
  /** As the agent itself reckoned, USD; absent: the collector prices the call. */
  costUsd?: number;
  serviceTier?: string;
  /** What was new in the request since the call before, and the answer. */
  input: readonly HistoryMessage[];
  output: readonly MessagePart[];
  stopReason?: string;
}

export interface HistoryMessage {
  role: string;
  parts: readonly MessagePart[];
}

export interface HistoryTool {
  /** Unique in its session. */
  key: string;
  id: string;
  name: string;
  arguments: unknown;
  startMs: number;
  /** The ids of the call that asked for it. */
  callIds: readonly string[];
}

interface Turn {
  key: string;
  traceKey: string;
  parentSpanId: string | undefined;
  startMs: number;
  endMs: number;
  /** Of its first call; a turn without one is left out. */
  callIds: readonly string[] | undefined;
  /** Of its first call. */
  provider: string | undefined;
}

const MAX_CONTENT_CHARACTERS = 262_144;
const MAX_OPEN_TOOLS = 1_024;

const digest = (...parts: string[]) => createHash("sha256").update(parts.join("\n")).digest("hex");
const traceIdOf = (sessionId: string, key: string) => digest("trace", sessionId, key).slice(0, 32);
/** The span of a tool call, known from its key alone: whoever was spawned by it can hang below. */
export const toolSpanId = (sessionId: string, key: string) => digest("tool", sessionId, key).slice(0, 16);
export const turnSpanId = (sessionId: string, agentId: string, key: string) => digest("turn", sessionId, agentId, key).slice(0, 16);

const DIALECT_PREFIX = /^(?:chatcmpl|msg|resp)[-_]/;

/** A gateway that translates keeps an id's own part, and the agent saw it with the prefix of its dialect: the live record has another. */
function withTranslated(ids: readonly string[]): string[] {
  const cores = ids.filter((id) => DIALECT_PREFIX.test(id)).map((id) => id.replace(DIALECT_PREFIX, ""));
  return [...new Set([...ids, ...cores.flatMap((core) => [core, `chatcmpl-${core}`, `msg_${core}`, `resp_${core}`])])];
}

/**
 * Makes spans of what an agent keeps of its past: turns with model calls and tool calls. Ids come from what is on disk alone, so the same
 * history gives the same spans, whenever it is read. All spans say which call they hang on (`signalbox.import.call_ids`).
 */
export class HistoryThread {
  readonly #identity: ThreadIdentity;
  readonly #content: boolean;
  readonly #tools = new Map<string, HistoryTool>();
  #turn: Turn | undefined;

  /** @param content whether prompts, answers, arguments and results go along, secrets taken out */
  constructor(identity: ThreadIdentity, content: boolean) {
    this.#identity = identity;
    this.#content = content;
  }

  get sessionId(): string {
    return this.#identity.sessionId;
  }

  /** @param traceKey what turns of one trace share: a sub-agent's with its spawner's; default: the turn's own key */
  startTurn(turn: { key: string; atMs: number; traceKey?: string; parentSpanId?: string }): SpanRecord[] {
    const ended = this.end();
    this.#turn = {
      key: turn.key,
      traceKey: turn.traceKey ?? turn.key,
      parentSpanId: turn.parentSpanId ?? this.#identity.parentSpanId,
      startMs: turn.atMs,
      endMs: turn.atMs,
      callIds: undefined,
      provider: undefined,
    };
    return ended;
  }

  get turnKey(): string | undefined {
    return this.#turn?.key;
  }

  call(call: HistoryCall): SpanRecord[] {
    const turn = this.#turnAt(call.startMs, call.ids[0] ?? "");
    turn.callIds ??= call.ids;
    turn.provider ??= call.provider;
    turn.endMs = Math.max(turn.endMs, call.endMs);
    const { sessionId, agentId } = this.#identity;
    return [
      {
        ...this.#place(turn),
        spanId: digest("call", sessionId, agentId, ...call.ids, String(call.endMs)).slice(0, 16),
        name: spanName.chat(call.requestModel ?? call.model),
        kind: SpanKind.CLIENT,
        startMs: Math.min(call.startMs, call.endMs),
        endMs: call.endMs,
        attributes: {
          ...this.#who(turn, call.ids),
          [Attribute.operation]: Operation.chat,
          [Attribute.provider]: call.provider,
          [Attribute.requestModel]: call.requestModel ?? call.model,
          [Attribute.responseModel]: call.model,
          [Attribute.responseId]: call.ids[0],
          [Attribute.finishReasons]: call.stopReason === undefined ? undefined : [call.stopReason],
          [Attribute.inputTokens]: call.inputTokens,
          [Attribute.outputTokens]: call.outputTokens,
          [Attribute.cacheReadTokens]: call.cacheReadTokens,
          [Attribute.cacheWriteTokens]: call.cacheWriteTokens,
          "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens": call.cacheWrite1hTokens,
          [Attribute.reasoningTokens]: call.reasoningTokens,
          "openai.response.service_tier": call.serviceTier,
          [Attribute.costUsd]: call.costUsd,
          [Attribute.costSource]: call.costUsd === undefined ? undefined : "reported",
          [Attribute.inputMessages]: this.#text(call.input),
          [Attribute.outputMessages]: this.#text([{ role: "assistant", parts: call.output }]),
        },
      },
    ];
  }

  toolStarted(tool: HistoryTool): void {
    if (this.#tools.size < MAX_OPEN_TOOLS) this.#tools.set(tool.id, tool);
  }

  /**
   * An answer to a call that is not known is none.
   * @param memory what a call of this name and arguments did to memory files, where it did not fail
   */
  toolEnded(
    id: string,
    atMs: number,
    result: unknown,
    failed: boolean,
    memory: (tool: HistoryTool) => readonly MemoryAccess[] = () => [],
  ): SpanRecord[] {
    const tool = this.#tools.get(id);
    if (tool === undefined) return [];
    this.#tools.delete(id);
    const span = this.#toolSpan(tool, atMs, result, failed);
    const accesses = failed ? [] : memory(tool);
    return [span, ...accesses.map((access, index) => this.#memorySpan(access, atMs, tool.callIds, `${tool.key} ${index}`, span.spanId))];
  }

  /** A memory file that the agent itself put into the prompt of a call. */
  memoryLoaded(access: MemoryAccess, atMs: number, callIds: readonly string[]): SpanRecord {
    return this.#memorySpan(access, atMs, callIds, `${access.path} ${atMs}`);
  }

  /** Forgets a tool call that another one stands for. */
  toolForgotten(id: string): void {
    this.#tools.delete(id);
  }

  /** The turn under way and its open tools, as far as they are known. */
  end(): SpanRecord[] {
    const spans = [...this.#tools.values()].map((tool) => this.#toolSpan(tool, this.#turn?.endMs ?? tool.startMs, undefined, false));
    this.#tools.clear();
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn?.callIds === undefined) return spans;
    const { agentName, spawnedByToolCall } = this.#identity;
    spans.push({
      traceId: traceIdOf(this.sessionId, turn.traceKey),
      spanId: this.#turnId(turn),
      ...(turn.parentSpanId !== undefined && { parentSpanId: turn.parentSpanId }),
      name: spanName.invokeAgent(agentName),
      kind: SpanKind.INTERNAL,
      startMs: turn.startMs,
      endMs: turn.endMs,
      attributes: {
        ...this.#who(turn, turn.callIds),
        [Attribute.operation]: Operation.invokeAgent,
        [Attribute.provider]: turn.provider,
        [Attribute.spawnedByToolCall]: spawnedByToolCall,
      },
    });
    return spans;
  }

  #toolSpan(tool: HistoryTool, endMs: number, result: unknown, failed: boolean): SpanRecord {
    const turn = this.#turnAt(tool.startMs, tool.key);
    turn.endMs = Math.max(turn.endMs, endMs);
    const called = { type: "tool_call", id: tool.id, name: tool.name, arguments: tool.arguments };
    const answered = { type: "tool_call_response", id: tool.id, result };
    return {
      ...this.#place(turn),
      spanId: toolSpanId(this.sessionId, tool.key),
      name: spanName.executeTool(tool.name),
      kind: SpanKind.INTERNAL,
      startMs: tool.startMs,
      endMs: Math.max(tool.startMs, endMs),
      attributes: {
        ...this.#who(turn, tool.callIds),
        [Attribute.operation]: Operation.executeTool,
        [Attribute.toolName]: tool.name,
        [Attribute.toolCallId]: tool.id,
        [Attribute.toolType]: "function",
        [Attribute.errorType]: failed ? "tool_error" : undefined,
        [Attribute.inputMessages]: this.#text([{ role: "assistant", parts: [called] }]),
        [Attribute.outputMessages]: result === undefined ? undefined : this.#text([{ role: "tool", parts: [answered] }]),
      },
      ...(failed && { error: { message: `${tool.name} failed` } }),
    };
  }

  #memorySpan(access: MemoryAccess, atMs: number, callIds: readonly string[], key: string, parentSpanId?: string): SpanRecord {
    const turn = this.#turnAt(atMs, key);
    return {
      ...this.#place(turn),
      ...(parentSpanId !== undefined && { parentSpanId }),
      spanId: digest("memory", this.sessionId, this.#identity.agentId, key).slice(0, 16),
      name: spanName.memory(access.operation),
      kind: SpanKind.INTERNAL,
      startMs: atMs,
      endMs: atMs,
      attributes: {
        ...this.#who(turn, callIds),
        [Attribute.operation]: Operation.memory,
        [Attribute.memoryPath]: access.path,
        [Attribute.memoryOperation]: access.operation,
        [Attribute.memoryLines]: access.lines,
        [Attribute.inputMessages]:
          access.diff === undefined ? undefined : this.#text([{ role: "user", parts: [{ type: "text", content: access.diff }] }]),
      },
    };
  }

  /** History may begin in the middle: what comes before the first prompt is a turn, too. */
  #turnAt(atMs: number, key: string): Turn {
    const { parentSpanId } = this.#identity;
    this.#turn ??= { key, traceKey: key, parentSpanId, startMs: atMs, endMs: atMs, callIds: undefined, provider: undefined };
    return this.#turn;
  }

  #turnId(turn: Turn): string {
    return turnSpanId(this.sessionId, this.#identity.agentId, turn.key);
  }

  #place(turn: Turn): { traceId: string; parentSpanId: string } {
    return { traceId: traceIdOf(this.sessionId, turn.traceKey), parentSpanId: this.#turnId(turn) };
  }

  #who(turn: Turn, callIds: readonly string[]): SpanRecord["attributes"] {
    const { sessionId, agentId, agentKind, parentAgentId, depth, agentName, channel, task } = this.#identity;
    return {
      [Attribute.sessionId]: sessionId,
      [Attribute.conversationId]: sessionId,
      [Attribute.signalboxAgentId]: agentId,
      [Attribute.agentKind]: agentKind,
      [Attribute.parentAgentId]: parentAgentId,
      [Attribute.agentDepth]: depth,
      [Attribute.agentName]: agentName,
      [Attribute.channel]: channel,
      [Attribute.task]: task,
      [Attribute.turnId]: turn.key,
      [Attribute.importCallIds]: withTranslated(callIds),
    };
  }

  #text(messages: readonly HistoryMessage[]): string | undefined {
    if (!this.#content || messages.every(({ parts }) => parts.length === 0)) return undefined;
    const text = JSON.stringify(messages);
    // what is cut is no JSON any more: it is then one message, its beginning
    return redactText(text, MAX_CONTENT_CHARACTERS);
  }
}
