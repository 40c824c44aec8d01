import { posix } from "node:path";
import {
  count,
  type HistoryMessage,
  type HistoryReader,
  HistoryThread,
  type Json,
  list,
  type MessagePart,
  object,
  text,
  timeOf,
  turnSpanId,
} from "@signalbox/otel/history";
import { codexMemory, type MemoryAccess } from "@signalbox/otel/memory";
import type { SpanRecord } from "@signalbox/otel/provider";

/**
 * A rollout of Codex (`sessions/Y/M/D/rollout-*.jsonl`), entry by entry, as captured from 0.169.0: one thread, which is an agent. Calls are
 * its `token_usage_record` entries; versions that wrote none have `token_count` events, of which each change of the total is a call. A
 * forked thread begins with a copy of its parent's entries: their calls are the parent's.
 */
export function codexReader({ content }: { content: boolean }): HistoryReader {
  let thread: HistoryThread | undefined;
  let threadId = "";
  /** Relative paths are of this folder. */
  let folder = "/";
  let parentThread: string | undefined;
  let provider = "openai";
  let model = "unknown";
  let hasRecords = false;
  let total = "";
  let lastMs = 0;
  let input: HistoryMessage[] = [];
  let output: MessagePart[] = [];
  /** Memory files in what the next call is asked with. */
  let loaded: { access: MemoryAccess; atMs: number }[] = [];
  /** Tool calls of the answer under way: the call that they belong to is written after them. */
  let asked: { id: string; name: string; arguments: unknown; startMs: number }[] = [];

  function meta(payload: Json): void {
    // the first is the thread's own; a forked one repeats its parent's
    if (thread !== undefined) return;
    const id = text(payload.id);
    if (id === undefined) throw new Error("is a session_meta without an id");
    const spawn = object(object(object(payload.source).subagent).thread_spawn);
    parentThread = text(payload.parent_thread_id) ?? text(spawn.parent_thread_id);
    threadId = id;
    folder = text(payload.cwd) ?? folder;
    provider = providerOf(text(payload.model_provider));
    const agentName = text(payload.agent_nickname) ?? text(spawn.agent_nickname);
    thread = new HistoryThread(
      {
        sessionId: text(payload.session_id) ?? parentThread ?? id,
        agentId: id,
        agentKind: "codex",
        depth: count(spawn.depth) ?? (parentThread === undefined ? 0 : 1),
        ...(parentThread !== undefined && { parentAgentId: parentThread }),
        ...(agentName !== undefined && { agentName }),
      },
      content,
    );
  }

  function event(known: HistoryThread, payload: Json, atMs: number): SpanRecord[] {
    if (payload.type === "task_started") {
      const key = text(payload.turn_id) ?? String(atMs);
      const traceKey = text(payload.root_turn_id) ?? key;
      const spawner = text(object(payload.turn_attribution).parent_turn_id);
      const parentSpanId =
        spawner === undefined || parentThread === undefined ? undefined : turnSpanId(known.sessionId, parentThread, spawner);
      lastMs = atMs;
      return known.startTurn({ key, atMs, traceKey, ...(parentSpanId !== undefined && { parentSpanId }) });
    }
    if (payload.type === "task_complete" || payload.type === "turn_aborted") return known.end();
    if (payload.type !== "token_count" || hasRecords) return [];
    const info = object(payload.info);
    const now = JSON.stringify(info.total_token_usage);
    if (info.last_token_usage === undefined || now === total) return [];
    total = now;
    return call(known, object(info.last_token_usage), `${threadId}:${now}`, atMs);
  }

  function call(known: HistoryThread, usage: Json, id: string, atMs: number): SpanRecord[] {
    for (const tool of asked) known.toolStarted({ ...tool, key: `${threadId}:${tool.id}`, callIds: [id] });
    const cacheWriteTokens = count(usage.cache_write_input_tokens);
    const spans = known.call({
      ids: [id],
      provider,
      model,
      startMs: lastMs || atMs,
      endMs: atMs,
      // OpenAI's input includes what was cached, its output what was reasoning
      inputTokens: count(usage.input_tokens) ?? 0,
      outputTokens: count(usage.output_tokens) ?? 0,
      cacheReadTokens: count(usage.cached_input_tokens) ?? 0,
      ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
      reasoningTokens: count(usage.reasoning_output_tokens) ?? 0,
      input,
      output,
    });
    spans.push(...loaded.map((one) => known.memoryLoaded(one.access, one.atMs, [id])));
    lastMs = atMs;
    loaded = [];
    input = [];
    output = [];
    asked = [];
    return spans;
  }

  function item(known: HistoryThread, payload: Json, atMs: number): SpanRecord[] {
    const id = text(payload.call_id) ?? "";
    switch (payload.type) {
      case "message":
      case "agent_message":
        if (payload.role === "assistant") output.push(...partsOf(payload.content));
        else {
          input.push({ role: text(payload.role) ?? "user", parts: partsOf(payload.content) });
          loaded.push(...instructionsIn(payload).map((access) => ({ access, atMs })));
        }
        return [];
      case "reasoning":
        output.push(...list(payload.summary).map((part) => ({ type: "reasoning", content: object(part).text })));
        return [];
      case "function_call":
      case "custom_tool_call":
      case "local_shell_call": {
        const name = text(payload.name) ?? "shell";
        const given = payload.arguments ?? payload.input ?? payload.action;
        asked.push({ id, name, arguments: given, startMs: atMs });
        output.push({ type: "tool_call", id, name, arguments: given });
        return [];
      }
      case "function_call_output":
      case "custom_tool_call_output":
        input.push({ role: "tool", parts: [{ type: "tool_call_response", id, result: payload.output }] });
        lastMs = atMs;
        return known.toolEnded(id, atMs, payload.output, false, ({ name, arguments: given }) =>
          codexMemory(name, given, payload.output).map((access) => ({ ...access, path: posix.resolve(folder, access.path) })),
        );
      default:
        return [];
    }
  }

  return {
    entry(value) {
      const entry = object(value);
      const payload = object(entry.payload);
      if (entry.type === "session_meta") {
        meta(payload);
        return [];
      }
      const known = thread;
      if (known === undefined) {
        if (entry.type === undefined) throw new Error("is no entry of a rollout");
        return [];
      }
      if (entry.type === "turn_context") model = text(payload.model) ?? model;
      else if (entry.type === "event_msg") return event(known, payload, timeOf(entry));
      else if (entry.type === "response_item") return item(known, payload, timeOf(entry));
      else if (entry.type === "token_usage_record") {
        hasRecords = true;
        const id = text(payload.response_id);
        if (payload.thread_id !== threadId) return [];
        if (id === undefined) throw new Error("is a token_usage_record without a response_id");
        return call(known, object(payload.usage), id, timeOf(entry));
      }
      return [];
    },
    end: () => thread?.end() ?? [],
  };
}

/** AGENTS.md stands at the start of a thread as if the user had said it. */
function instructionsIn({ role, content }: Json): MemoryAccess[] {
  if (role !== "user") return [];
  return list(content).flatMap((part): MemoryAccess[] => {
    const [, of] = /^# AGENTS\.md instructions for (\/[^\n]+)\n/.exec(text(object(part).text) ?? "") ?? [];
    return of === undefined ? [] : [{ path: posix.join(of, "AGENTS.md"), operation: "read" }];
  });
}

/** A provider of the user's own that speaks to a vendor is not known to be it: the model's name then says whose price it is. */
const providerOf = (name: string | undefined): string => (name === undefined || name === "signalbox" ? "openai" : name);

const partsOf = (content: unknown): MessagePart[] =>
  list(content)
    .map(object)
    .map((part) => (text(part.text) === undefined ? { type: text(part.type) ?? "other" } : { type: "text", content: part.text }));
