import {
  count,
  type HistoryMessage,
  type HistoryReader,
  HistoryThread,
  list,
  type MessagePart,
  object,
  type ThreadIdentity,
  text,
  time,
  timeOf,
} from "@signalbox/otel/history";
import type { SpanRecord } from "@signalbox/otel/provider";

/**
 * A session's transcript of OpenClaw, event by event, as read from the database of 2026.9.6 (`transcript_events.event_json`) or from the
 * `.jsonl` files that came before it. A turn is a run: `__openclaw.runId` of its messages. What Tool Search ran for the model is a tool
 * call of its own (`openclaw.nested-tool.v1`), and stands for the `tool_call` around it.
 */
export function openclawReader(identity: ThreadIdentity, { content }: { content: boolean }): HistoryReader {
  const thread = new HistoryThread(identity, content);
  let input: HistoryMessage[] = [];
  let lastMs: number | undefined;
  /** Ids of the last answer, which its tool calls hang on. */
  let callIds: readonly string[] = [];

  function turn(key: string | undefined, atMs: number): SpanRecord[] {
    return key === undefined || key === thread.turnKey ? [] : thread.startTurn({ key, atMs });
  }

  function assistant(message: Readonly<Record<string, unknown>>, run: string | undefined, entryId: string, endMs: number): SpanRecord[] {
    const usage = object(message.usage);
    const model = text(message.responseModel) ?? text(message.model);
    // what OpenClaw itself says in the model's place has no usage
    if (model === undefined || message.usage === undefined || isNoCall(message, usage)) return [];
    const startMs = time(message.timestamp) ?? lastMs ?? endMs;
    const spans = turn(run, Math.min(lastMs ?? startMs, startMs));
    callIds = [text(message.responseId) ?? entryId];
    const cacheReadTokens = count(usage.cacheRead) ?? 0;
    const cacheWriteTokens = count(usage.cacheWrite) ?? 0;
    const costUsd = object(usage.cost).total;
    const stopReason = text(message.stopReason);
    const requestModel = text(message.model);
    const output = list(message.content).map((block) => partOf(object(block)));
    spans.push(
      ...thread.call({
        ids: callIds,
        provider: text(message.provider) ?? "unknown",
        model,
        ...(requestModel !== undefined && { requestModel }),
        startMs,
        endMs,
        // OpenClaw's input leaves out what was cached
        inputTokens: (count(usage.input) ?? 0) + cacheReadTokens + cacheWriteTokens,
        outputTokens: count(usage.output) ?? 0,
        cacheReadTokens,
        cacheWriteTokens,
        reasoningTokens: count(usage.reasoningTokens) ?? 0,
        // 0 is what it reckons where no price is configured
        ...(typeof costUsd === "number" && costUsd > 0 && { costUsd }),
        ...(stopReason !== undefined && { stopReason }),
        input,
        output,
      }),
    );
    input = [];
    for (const block of list(message.content).map(object)) {
      if (block.type !== "toolCall") continue;
      const id = text(block.id) ?? "";
      const name = text(block.name) ?? "tool";
      thread.toolStarted({ key: `${entryId}:${id}`, id, name, arguments: block.arguments, startMs: endMs, callIds });
    }
    return spans;
  }

  function nested(details: Readonly<Record<string, unknown>>, entryId: string, atMs: number): SpanRecord[] {
    const id = text(details.toolCallId) ?? entryId;
    const name = text(details.toolName) ?? "tool";
    thread.toolForgotten(text(details.parentToolCallId) ?? "");
    thread.toolStarted({ key: `${entryId}:${id}`, id, name, arguments: details.input, startMs: lastMs ?? atMs, callIds });
    return thread.toolEnded(id, atMs, object(details.result).content, details.isError === true);
  }

  return {
    entry(value) {
      const entry = object(value);
      if (entry.type !== "message") return [];
      const message = object(entry.message);
      const atMs = timeOf(entry);
      const entryId = text(entry.id) ?? String(atMs);
      const run = text(object(message.__openclaw).runId);
      let spans: SpanRecord[] = [];
      if (message.role === "assistant") spans = assistant(message, run, entryId, atMs);
      else if (message.role === "toolResult") {
        const id = text(message.toolCallId) ?? "";
        input.push({ role: "tool", parts: [{ type: "tool_call_response", id, result: message.content }] });
        spans = thread.toolEnded(id, atMs, message.content, message.isError === true);
      } else if (message.role === "custom" && message.customType === "openclaw.nested-tool.v1") {
        spans = nested(object(message.details), entryId, atMs);
      } else if (message.role === "user") {
        input.push({ role: "user", parts: partsOf(message.content) });
        // older versions name no run: then a prompt begins one
        const key = text(message.idempotencyKey)?.replace(/:user$/, "") ?? entryId;
        spans = turn(key, time(message.timestamp) ?? atMs);
      }
      lastMs = atMs;
      return spans;
    },
    end: () => thread.end(),
  };
}

/** Of a run that failed or was aborted OpenClaw writes an answer down that no model gave, or not to its end: it counts nothing. */
function isNoCall(message: Readonly<Record<string, unknown>>, usage: Readonly<Record<string, unknown>>): boolean {
  const cut = message.responseId === undefined || message.stopReason === "error" || message.stopReason === "aborted";
  return cut && [usage.input, usage.output, usage.cacheRead, usage.cacheWrite].every((tokens) => !tokens);
}

const partsOf = (said: unknown): MessagePart[] =>
  typeof said === "string" ? [{ type: "text", content: said }] : list(said).map((block) => partOf(object(block)));

function partOf(block: Readonly<Record<string, unknown>>): MessagePart {
  if (block.type === "text") return { type: "text", content: block.text };
  if (block.type === "thinking") return { type: "reasoning", content: block.thinking };
  if (block.type === "toolCall") return { type: "tool_call", id: block.id, name: block.name, arguments: block.arguments };
  return { type: text(block.type) ?? "other" };
}
