import { Operation } from "@signalbox/otel/conventions";
import { codexMemory, type MemoryAccess } from "@signalbox/otel/memory";
import type { AttributeValue } from "../otlp/traces.ts";
import type { SpanDraft } from "../span-batch.ts";
import { boundedText } from "../text.ts";
import { keepsCodexSpan } from "./codex-spans.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, ContentSink, EmittedRecord, Emitter } from "./emitter.ts";
import { applyMemory } from "./memory.ts";
import { clearUsage, setUsage } from "./usage.ts";

const THREAD = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Codex's own OpenTelemetry, as captured from 0.169.0 (tests/fixtures/codex).
 *
 * A call counts by one log record: `codex.sse_event` of kind `response.completed` with token counts. (It is logged twice, the other
 * time without.) No span ever counts: `handle_responses` leaves out the call that compacts, and the `session_task.turn` of an
 * aborted turn has no tokens. A call that the provider refused is the `codex.api_request` record with that status. These records
 * name no span, and the completed ones no trace: each becomes a row under its thread.
 *
 * A thread is an agent, and a sub-agent is a thread of its own whose records name only themselves. So a thread's rows are stored
 * under the thread's id, and the record of the spawning says that this session is part of its parent's (`parentSessionId`).
 */
export const codex: Emitter = {
  name: "codex",
  // its tracer is named as its service (codex_exec, codex_cli_rs, …): an application that is only called so is not it
  emits: ({ service, scope }) => /^codex[_-]/.test(service) && (scope === service || scope.startsWith("codex_otel")),
  keeps: keepsCodexSpan,
  isContent: (name) => CONTENT.has(name),
  takesLog: (event, attributes) => logFact(event, attributes) !== null,
  furtherFacts: (event, attributes) =>
    logFact(event, attributes) === "tool_result" ? memoryAccesses(attributes).map((_, index) => `${MEMORY_ACCESS}${index}`) : [],
  logTrace: (attributes) => threadOf(attributes)?.replaceAll("-", "") ?? null,

  apply(draft, record) {
    const { attributes, span, resource } = record;
    const { row } = draft;
    row.agent_kind = "codex";
    const thread = threadOf(attributes);
    if (thread !== null) belongTo(draft, thread);
    row.turn_id ??= attributes.text("turn.id") ?? attributes.text("turn_id");
    row.request_model ??= attributes.text("model");
    row.agent_name ??= attributes.text("agent_name");
    if (isRouted(resource)) draft.routed = true;
    if (draft.fromLog) return applyLog(draft, record);

    // no span is a call, and what one says of tokens repeats the log
    row.operation = "";
    clearUsage(draft);
    if (span.name === TURN) row.operation = Operation.invokeAgent;
    else if (attributes.has("tool_name") && attributes.has("call_id")) {
      row.operation = Operation.executeTool;
      row.tool_name = attributes.text("tool_name");
      row.tool_call_id = attributes.text("call_id");
      if (attributes.all("aborted").includes(true)) row.status = 2;
    }
  },
};

/**
 * Not `session_task.turn` around it, which is open when Codex tells that the turn is complete: a `codex exec` now and then exits before it
 * ends, and what has not ended is not exported. `run_turn` has ended by then. (A prompt that a hook refuses never comes so far.)
 */
const TURN = "run_turn";

/** Made of a tool's result; behind it which one. */
const MEMORY_ACCESS = "codex.memory_access.";

const CONTENT = new Set(["prompt", "arguments", "output", "content"]);

/**
 * Went through our scheduler, whose span has the cost. No record of a call names the provider; the resource of every record has the
 * `environment` of config.toml's [otel], which is `signalbox` where we set Codex up.
 */
const isRouted = (resource: AttributeView) => resource.text("env") === "signalbox";

type LogFact = "call" | "refused" | "spawn" | "spawn_result" | "prompt" | "tool_result";

/** What a log record is to us; null: it repeats spans, or says nothing that we keep. */
function logFact(event: string, attributes: AttributeView): LogFact | null {
  switch (event) {
    case "codex.sse_event":
      return attributes.text("event.kind") === "response.completed" && attributes.has("input_token_count") ? "call" : null;
    case "codex.api_request":
      return isModelEndpoint(attributes) && (attributes.count("http.response.status_code") ?? 0) >= 400 ? "refused" : null;
    case "codex.agent_communication":
      return attributes.text("kind") === "spawn" && attributes.has("receiver_thread_id") ? "spawn" : null;
    case "codex.user_prompt":
      return "prompt";
    case "codex.tool_result":
      return spawnedThread(attributes) === null ? "tool_result" : "spawn_result";
    default:
      return null;
  }
}

const isModelEndpoint = (attributes: AttributeView) => /\/(?:responses|chat\/completions)/.test(attributes.text("endpoint") ?? "");

function applyLog(draft: SpanDraft, { attributes, span, content }: EmittedRecord): void {
  const { row } = draft;
  if (span.name.startsWith(MEMORY_ACCESS)) {
    const access = memoryAccesses(attributes)[Number(span.name.slice(MEMORY_ACCESS.length))];
    if (access !== undefined) applyMemory(draft, access, content);
    return;
  }
  switch (logFact(span.name, attributes)) {
    case "call":
      row.operation = Operation.chat;
      row.provider ??= "openai";
      // OpenAI's input includes what was cached
      draft.cacheMode = "subtract";
      setUsage(draft, {
        input: attributes.count("input_token_count"),
        output: attributes.count("output_token_count"),
        cacheRead: attributes.count("cached_token_count"),
        cacheWrite: attributes.count("cache_write_token_count"),
        reasoning: attributes.count("reasoning_token_count"),
      });
      row.ttft_ms = attributes.count("ttft_ms");
      return;
    case "refused":
      row.operation = Operation.chat;
      row.provider ??= "openai";
      row.status = 2;
      row.status_message = attributes.text("error.message");
      setUsage(draft, { input: 0, output: 0 });
      return;
    case "spawn":
      joinChild(draft, attributes.text("sender_thread_id"), attributes.text("receiver_thread_id"), null);
      content.add("input", attributes.get("content") ?? null);
      return;
    case "spawn_result":
      joinChild(draft, threadOf(attributes), spawnedThread(attributes), attributes.text("call_id"));
      return;
    case "prompt":
      content.add("input", attributes.get("prompt") ?? null);
      return;
    case "tool_result":
      addToolContent(attributes, content);
      return;
  }
}

/** The row is about the child: its session is its own thread, part of its parent's. */
function joinChild(draft: SpanDraft, parent: string | null, child: string | null, toolCall: string | null): void {
  if (parent === null || child === null || parent === child) return;
  belongTo(draft, child);
  draft.row.operation = Operation.createAgent;
  draft.parentAgentId = boundedText(parent, ID_BYTES);
  draft.parentSessionId = boundedText(parent, ID_BYTES);
  draft.spawnedByToolCall = toolCall;
  // the name on the record is its sender's
  draft.row.agent_name = null;
}

function belongTo(draft: SpanDraft, thread: string): void {
  draft.sessionId = boundedText(thread, ID_BYTES);
  draft.row.agent_id = draft.sessionId;
}

/** `thread.id` may stand twice, first as the number of a thread of the operating system. */
function threadOf(attributes: AttributeView): string | null {
  const isThread = (value: AttributeValue | undefined): value is string => typeof value === "string" && THREAD.test(value);
  const conversation = attributes.get("conversation.id");
  return isThread(conversation) ? conversation : (attributes.all("thread.id").find(isThread) ?? null);
}

/** The thread that a spawn_agent call of the first multi-agent mode answered with. */
function spawnedThread(attributes: AttributeView): string | null {
  if (attributes.text("tool_name") !== "spawn_agent") return null;
  return /"agent_id":"([0-9a-f-]{36})"/.exec(attributes.text("output") ?? "")?.[1] ?? null;
}

const memoryAccesses = (attributes: AttributeView): MemoryAccess[] =>
  attributes.flag("success") === false
    ? []
    : codexMemory(attributes.text("tool_name") ?? "", attributes.text("arguments"), attributes.text("output"));

function addToolContent(attributes: AttributeView, content: ContentSink): void {
  const id = attributes.text("call_id");
  const name = attributes.text("tool_name");
  const message = (role: string, part: object) => JSON.stringify([{ role, parts: [part] }]);
  const given = attributes.text("arguments");
  if (given !== null) content.add("input", message("assistant", { type: "tool_call", id, name, arguments: given }));
  const output = attributes.text("output");
  if (output !== null) content.add("output", message("tool", { type: "tool_call_response", id, result: output }));
}
