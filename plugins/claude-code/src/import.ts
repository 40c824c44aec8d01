import {
  count,
  type HistoryCall,
  type HistoryMessage,
  type HistoryReader,
  HistoryThread,
  type HistoryTool,
  type Json,
  list,
  type MessagePart,
  object,
  text,
  time,
  timeOf,
  toolSpanId,
} from "@signalbox/otel/history";
import { claudeCodeMemory, type MemoryAccess } from "@signalbox/otel/memory";
import type { SpanRecord } from "@signalbox/otel/provider";

/** What the `.meta.json` beside a sub-agent's transcript says, as far as it is there. */
export interface SubAgentMeta {
  agentType?: string;
  /** The tool call that spawned it. */
  toolUseId?: string;
  /** Absent: the root agent. */
  parentAgentId?: string;
  spawnDepth?: number;
}

export interface Transcript {
  sessionId: string;
  /** Of a sub-agent's transcript. */
  subAgent?: { agentId: string; meta: SubAgentMeta };
  content: boolean;
}

/** An answer of the model, which stands in as many entries as it has blocks. */
interface Answer {
  id: string;
  ids: string[];
  model: string;
  requestModel: string | undefined;
  startMs: number;
  endMs: number;
  usage: Json;
  stopReason: string | undefined;
  input: readonly HistoryMessage[];
  output: MessagePart[];
}

const MAX_REQUESTS = 64;

/**
 * A transcript of Claude Code (`projects/<folder>/<session>.jsonl` and `<session>/subagents/agent-<id>.jsonl`), entry by entry, as captured
 * from 2.1.329. Entries of other types than user, assistant and api-request say nothing of turns. What a compaction asked the model is not
 * in it.
 */
export function claudeCodeReader({ sessionId, subAgent, content }: Transcript): HistoryReader {
  const meta = subAgent?.meta ?? {};
  const thread = new HistoryThread(
    {
      sessionId,
      agentId: subAgent?.agentId ?? sessionId,
      agentKind: "claude-code",
      depth: subAgent === undefined ? 0 : (meta.spawnDepth ?? 1),
      ...(subAgent !== undefined && { parentAgentId: meta.parentAgentId ?? sessionId }),
      ...(meta.agentType !== undefined && { agentName: meta.agentType }),
      ...(meta.toolUseId !== undefined && { spawnedByToolCall: meta.toolUseId, parentSpanId: toolSpanId(sessionId, meta.toolUseId) }),
    },
    content,
  );
  /** When requests were sent, by the id that their answers name. */
  const requests = new Map<string, number>();
  let input: HistoryMessage[] = [];
  let answer: Answer | undefined;
  let lastMs: number | undefined;

  const answered = (): SpanRecord[] => {
    const ended = answer;
    answer = undefined;
    return ended === undefined ? [] : thread.call(callOf(ended));
  };

  function user(entry: Json, atMs: number): SpanRecord[] {
    const { content: said } = object(entry.message);
    const results = list(said)
      .map(object)
      .filter((block) => block.type === "tool_result");
    const spans: SpanRecord[] = [];
    for (const block of results) {
      spans.push(...thread.toolEnded(text(block.tool_use_id) ?? "", atMs, block.content, block.is_error === true, memoryOf));
      input.push({ role: "tool", parts: [{ type: "tool_call_response", id: block.tool_use_id, result: block.content }] });
    }
    if (results.length > 0) return spans;
    const key = text(entry.promptId) ?? text(entry.uuid) ?? String(atMs);
    const isPrompt = entry.isMeta !== true && entry.isCompactSummary !== true && entry.repeatsCompactSummary !== true;
    if (isPrompt && key !== thread.turnKey) spans.push(...answered(), ...thread.startTurn({ key, atMs }));
    input.push({ role: "user", parts: partsOf(said) });
    return spans;
  }

  function assistant(entry: Json, atMs: number): SpanRecord[] {
    const message = object(entry.message);
    const model = text(message.model);
    // what Claude Code itself says in the model's place, errors among it
    if (model === undefined || model === "<synthetic>" || entry.isApiErrorMessage === true) return [];
    const id = text(message.id) ?? text(entry.uuid);
    if (id === undefined) throw new Error("is an answer without an id");
    const spans = answer?.id === id ? [] : answered();
    if (answer === undefined) {
      const startMs = requests.get(text(entry.requestRef) ?? "") ?? lastMs ?? atMs;
      const ids = [id, text(entry.requestId)].filter((one) => one !== undefined);
      const requestModel = text(entry.requestedModel);
      answer = { id, ids, model, requestModel, startMs, endMs: atMs, usage: {}, stopReason: undefined, input, output: [] };
      input = [];
    }
    answer.endMs = Math.max(answer.endMs, atMs);
    // each block's entry repeats the usage, and the last one's is whole
    if (message.usage !== undefined) answer.usage = object(message.usage);
    answer.stopReason = text(message.stop_reason) ?? answer.stopReason;
    for (const block of list(message.content).map(object)) {
      answer.output.push(partOf(block));
      if (block.type !== "tool_use") continue;
      const toolId = text(block.id) ?? "";
      const name = text(block.name) ?? "tool";
      thread.toolStarted({ key: toolId, id: toolId, name, arguments: block.input, startMs: atMs, callIds: answer.ids });
    }
    return spans;
  }

  return {
    entry(value) {
      const entry = object(value);
      if (entry.type === "api-request") {
        const id = text(entry.id);
        const sentMs = time(entry.timestamp);
        if (id !== undefined && sentMs !== undefined) remember(requests, id, sentMs);
        return [];
      }
      if (entry.type !== "user" && entry.type !== "assistant") return [];
      const atMs = timeOf(entry);
      const spans = entry.type === "user" ? user(entry, atMs) : assistant(entry, atMs);
      lastMs = atMs;
      return spans;
    },
    end: () => [...answered(), ...thread.end()],
  };
}

function memoryOf({ name, arguments: input }: HistoryTool): MemoryAccess[] {
  const access = claudeCodeMemory(name, input);
  return access === undefined ? [] : [access];
}

function callOf({ ids, model, requestModel, startMs, endMs, usage, stopReason, input, output }: Answer): HistoryCall {
  const cacheReadTokens = count(usage.cache_read_input_tokens) ?? 0;
  const cacheWriteTokens = count(usage.cache_creation_input_tokens) ?? 0;
  const cacheWrite1hTokens = count(object(usage.cache_creation).ephemeral_1h_input_tokens);
  const reasoningTokens = count(object(usage.output_tokens_details).thinking_tokens);
  const serviceTier = text(usage.service_tier);
  return {
    ids,
    provider: "anthropic",
    model,
    ...(requestModel !== undefined && { requestModel }),
    startMs,
    endMs,
    // Anthropic's input leaves out what was cached
    inputTokens: (count(usage.input_tokens) ?? 0) + cacheReadTokens + cacheWriteTokens,
    outputTokens: count(usage.output_tokens) ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
    ...(cacheWrite1hTokens !== undefined && { cacheWrite1hTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(stopReason !== undefined && { stopReason }),
    input,
    output,
  };
}

function remember(requests: Map<string, number>, id: string, sentMs: number): void {
  requests.set(id, sentMs);
  const [oldest] = requests.keys();
  if (requests.size > MAX_REQUESTS && oldest !== undefined) requests.delete(oldest);
}

const partsOf = (said: unknown): MessagePart[] =>
  typeof said === "string" ? [{ type: "text", content: said }] : list(said).map((block) => partOf(object(block)));

function partOf(block: Json): MessagePart {
  if (block.type === "text") return { type: "text", content: block.text };
  if (block.type === "thinking") return { type: "reasoning", content: block.thinking };
  if (block.type === "tool_use") return { type: "tool_call", id: block.id, name: block.name, arguments: block.input };
  // images and documents: that they were there, not their bytes
  return { type: text(block.type) ?? "other" };
}
