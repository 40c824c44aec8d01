import { Attribute, CALLS_FROM_LOGS, DefaultPort, Operation } from "@signalbox/otel/conventions";
import type { SpanDraft } from "../span-batch.ts";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { AttributeView, EmittedRecord, Emitter } from "./emitter.ts";
import { applyMemory } from "./memory.ts";
import { setUsage } from "./usage.ts";

const TRACING = "com.anthropic.claude_code.tracing";
const EVENTS = "com.anthropic.claude_code.events";

/** What the scheduler's hook endpoint says that no span or log of Claude Code does; see scheduler/src/hooks/claude-code-facts.ts. */
const HOOKS = "signalbox.hooks.claude-code";

/**
 * Claude Code's own OpenTelemetry, as captured from 2.1.329 (tests/fixtures/claude-code).
 *
 * What counts as a call is told by each record's own resource, so that no number depends on which of two records arrived first:
 *
 * - `signalbox.routed=true`: it went through our scheduler, whose span counts; neither span nor log does.
 * - `signalbox.calls_from=logs` (what `register --observe-only` sets): the `api_request` and `api_error` logs count. They have the
 *   model that answered and the split of cache writes by time to live, so the cost is exact; the span stays as what happened.
 * - neither: the `claude_code.llm_request` span counts; a retry stays that one span. Its price is that of the model asked for, with
 *   cache writes of five minutes (of a session's cost in the captures up to 9 % too little).
 *
 * A call that was cut off by SIGINT is never exported, nor are the tools that were open then.
 */
export const claudeCode: Emitter = {
  name: "claude-code",
  emits: ({ scope }) => scope === TRACING || scope === EVENTS || scope === HOOKS,
  isContent: (name) => CONTENT.has(name),
  takesLog(event, _, resource) {
    if (event === "api_request" || event === "api_error") return countsLogs(resource);
    return event === "assistant_response" || event === "memory_access" || event === "subagent_spawned";
  },

  apply(draft, record) {
    const { attributes, resource, content } = record;
    const { row } = draft;
    row.agent_kind = "claude-code";
    applyAgent(draft, attributes);
    if (isRouted(attributes)) draft.routed = true;
    row.turn_id ??= attributes.text("prompt.id");
    if (draft.fromLog) return applyLog(draft, record);
    const kind = attributes.text("span.type") ?? "";
    if (kind === "llm_request") {
      applyCall(draft, attributes);
      if (countsLogs(resource)) draft.routed = true;
    } else if (kind === "interaction") {
      row.operation = Operation.invokeAgent;
      content.add("input", attributes.get("user_prompt") ?? null);
    } else if (kind === "tool") content.add("input", attributes.get("full_command") ?? null);
    else if (kind.startsWith("tool.")) {
      // parts of the claude_code.tool span around them, which is the call
      row.operation = "";
      if (attributes.flag("success") === false) row.status = 2;
    }
  },
};

const countsLogs = (resource: AttributeView): boolean =>
  resource.text(Attribute.callsFrom) === CALLS_FROM_LOGS && resource.flag(Attribute.routed) !== true;

function applyLog(draft: SpanDraft, { span, attributes, content }: EmittedRecord): void {
  const { row } = draft;
  switch (attributes.text("event.name") ?? span.name) {
    case "api_request":
    case "api_error":
      applyCall(draft, attributes);
      draft.responseModel = attributes.text("model");
      // a log is written when the call is over
      row.start_time -= (attributes.count("duration_ms") ?? 0) * 1000;
      if (attributes.has("error")) {
        row.status = 2;
        row.status_message = attributes.text("error");
        if (row.input_tokens === null) setUsage(draft, { input: 0, output: 0 });
      }
      return;
    case "assistant_response":
      content.add("output", attributes.get("response") ?? null);
      return;
    case "subagent_spawned":
      draft.spawnedByToolCall = attributes.text("tool_use_id");
      return;
    case "memory_access": {
      const path = attributes.text("file_path");
      const operation = attributes.text("operation") === "write" ? "write" : "read";
      const lines = attributes.text("lines");
      const diff = attributes.text("diff");
      if (path === null) return;
      applyMemory(draft, { path, operation, ...(lines !== null && { lines }), ...(diff !== null && { diff }) }, content);
    }
  }
}

const CONTENT = new Set(["user_prompt", "full_command", "response", "prompt", "prompt_text", "diff"]);

/** The root session is `session.id`, always: `gen_ai.conversation.id` is the sub-agent's own id on its spans. */
function applyAgent(draft: SpanDraft, attributes: AttributeView): void {
  const session = attributes.text("session.id");
  draft.sessionId = session === null ? null : boundedText(session, ID_BYTES);
  draft.conversationId = null;
  const agent = attributes.text("agent_id");
  // a sub-agent's tool.execution and tool.blocked_on_user have no agent_id
  const own = agent ?? attributes.text("gen_ai.conversation.id") ?? session;
  if (own !== null) draft.row.agent_id = boundedText(own, ID_BYTES);
  if (own === session) {
    draft.agentDepth = session === null ? null : 0;
    return;
  }
  // the others of its spans name its parent, where that is not the root
  if (agent === null || session === null) return;
  const parent = attributes.text("parent_agent_id");
  draft.parentAgentId = boundedText(parent ?? session, ID_BYTES);
  if (parent === null) draft.agentDepth = 1;
  draft.row.agent_name =
    /^agent\.(?:builtin\.)?(.+)$/.exec(attributes.text("query_source_safe") ?? "")?.[1] ??
    attributes.text("agent.name") ??
    attributes.text("agent_type") ??
    draft.row.agent_name;
}

function applyCall(draft: SpanDraft, attributes: AttributeView): void {
  const { row } = draft;
  row.operation = Operation.chat;
  row.provider ??= "anthropic";
  row.request_model ??= attributes.text("model");
  row.ttft_ms = attributes.count("ttft_ms");
  draft.cacheMode = "additive";
  setUsage(draft, {
    input: attributes.count("input_tokens"),
    output: attributes.count("output_tokens"),
    cacheRead: attributes.count("cache_read_tokens"),
    cacheWrite: attributes.count("cache_creation_tokens"),
    cacheWrite1h: attributes.count("cache_creation_1h_tokens"),
  });
  if (attributes.flag("success") !== false) return;
  row.status = 2;
  // refused before anything was produced: known to be nothing, not unknown
  if ((attributes.count("status_code") ?? 0) >= 400 && row.input_tokens === null) setUsage(draft, { input: 0, output: 0 });
}

/**
 * Went through our scheduler, whose span has the cost. In 2.1.329 `anthropic.custom_base_url` is only a boolean: true for any gateway.
 * What says it is `signalbox.routed` among OTEL_RESOURCE_ATTRIBUTES, which is read with the general names, or a later version's URL.
 */
function isRouted(attributes: AttributeView): boolean {
  const url = attributes.text("anthropic.custom_base_url");
  return url !== null && SCHEDULER.test(url);
}

const SCHEDULER = new RegExp(String.raw`^https?://(?:127\.0\.0\.1|localhost|\[::1\]):${DefaultPort.scheduler}(?:/|$)`);
