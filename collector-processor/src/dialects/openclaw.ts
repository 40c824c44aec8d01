import { Attribute, CALLS_FROM_USAGE, Operation } from "@signalbox/otel/conventions";
import type { SpanDraft } from "../span-batch.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { clearUsage, setUsage } from "./usage.ts";

/**
 * OpenClaw's own exporter, its plugin diagnostics-otel. Not our plugin's spans: those speak gen_ai and signalbox names.
 *
 * `openclaw.model.call` (under the latest GenAI names `{operation} {model}`) is one request to a model, or one turn of a CLI that
 * OpenClaw drives, and counts; its input includes the cached tokens. `openclaw.model.usage` repeats the sum of a turn, mostly in a
 * trace of its own, and counts only
 *
 * - where it names an `openclaw.plugin`: what a plugin asked a model for has no other span;
 * - with `signalbox.calls_from=usage` on the resource: for versions whose calls do not say what they took (2026.4).
 *
 * No span names its session. A turn and the sub-agents it spawned are one trace, and that stands for the session.
 */
export const openClaw: Emitter = {
  name: "openclaw",
  emits: ({ scope }) => scope === "openclaw",
  isContent: (name) => name.startsWith("openclaw.content.") || CONTENT.has(name),
  keeps: (name, attributes, resource) =>
    name === USAGE ? usageCounts(attributes, resource) : !GATEWAY_NOISE.has(name) && !name.startsWith("openclaw.gateway.rpc."),

  apply(draft, { attributes, content, span, resource }) {
    const { row } = draft;
    const isCall = span.name === "openclaw.model.call" || attributes.has("openclaw.model_call.observation_unit");
    // others may have called their tracer so, too
    if (!isCall && !span.name.startsWith("openclaw.")) return;
    row.agent_kind = "openclaw";
    row.channel ??= known(attributes.text("openclaw.channel"));
    row.agent_name ??= known(attributes.text("openclaw.agent"));
    row.provider ??= attributes.text("openclaw.provider");
    row.request_model ??= attributes.text("openclaw.model");
    if (attributes.has("openclaw.errorCategory")) row.status = 2;
    content.add("system", attributes.get("openclaw.content.system_prompt") ?? null);
    content.add("input", attributes.get("openclaw.content.input_messages") ?? attributes.get("openclaw.content.tool_input") ?? null);
    content.add("output", attributes.get("openclaw.content.output_messages") ?? attributes.get("openclaw.content.tool_output") ?? null);
    if (isCall && !callsFromUsage(resource)) return applyCall(draft, attributes);
    if (span.name === USAGE && usageCounts(attributes, resource)) return applyUsage(draft, attributes);
    clearUsage(draft);
    row.operation = "";
    if (span.name === "openclaw.harness.run") row.operation = Operation.invokeAgent;
    else if (span.name === "openclaw.tool.execution") applyTool(draft, attributes);
  },
};

const USAGE = "openclaw.model.usage";
/** What the gateway says of itself: each is a trace of its own, and nobody's parent. */
const GATEWAY_NOISE = new Set(["openclaw.diagnostic.phase", "openclaw.liveness.warning", "openclaw.memory.pressure"]);
/** Beside the messages, which have general names: the same again for other viewers, and what tools were given and gave. */
const CONTENT = new Set<string>(["input.value", "output.value", "gen_ai.tool.definitions", Attribute.toolArguments, Attribute.toolResult]);
/** Tool Search calls tools inside a call of its own, which has a span, too: the first in `call_3` is `tool_search_code:call_3:sessions_spawn:1`. */
const FIRST_INNER = /^tool_search_code:(.+):[^:]+:1$/;
const TOOL_SEARCH = "tool_call";

/** Session keys and the like are replaced by this word before they leave OpenClaw. */
const known = (text: string | null) => (text === "unknown" ? null : text);
const callsFromUsage = (resource: AttributeView) => resource.text(Attribute.callsFrom) === CALLS_FROM_USAGE;
const usageCounts = (attributes: AttributeView, resource: AttributeView) => attributes.has("openclaw.plugin") || callsFromUsage(resource);

function applyCall(draft: SpanDraft, attributes: AttributeView): void {
  const { row } = draft;
  row.operation = Operation.chat;
  draft.cacheMode = "subtract";
  row.reasoning_tokens = attributes.count("openclaw.model_call.usage.reasoning_output_tokens");
  row.ttft_ms ??= attributes.count("openclaw.model_call.time_to_first_byte_ms");
  // a call that failed says 0 of everything that it has not heard of
  if (row.status === 2 && attributes.count("openclaw.model_call.usage.total_tokens") === 0) clearUsage(draft);
}

function applyTool({ row }: SpanDraft, attributes: AttributeView): void {
  row.tool_name = attributes.text("openclaw.toolName") ?? row.tool_name;
  row.tool_call_id = FIRST_INNER.exec(row.tool_call_id ?? "")?.[1] ?? row.tool_call_id;
  if (row.tool_name !== TOOL_SEARCH) row.operation = Operation.executeTool;
}

/** Whether input includes the cached tokens is said by the total, where there is one. */
function applyUsage(draft: SpanDraft, attributes: AttributeView): void {
  draft.row.operation = Operation.chat;
  const input = attributes.count("openclaw.tokens.input");
  const output = attributes.count("openclaw.tokens.output");
  const cacheRead = attributes.count("openclaw.tokens.cache_read");
  const cacheWrite = attributes.count("openclaw.tokens.cache_write");
  const total = attributes.count("openclaw.tokens.total");
  // not every version sends them: then gen_ai.usage.*, which has been read already, stands
  if (input === null && output === null) return;
  setUsage(draft, { input, output, cacheRead, cacheWrite });
  if (total === (input ?? 0) + (output ?? 0)) draft.cacheMode = "subtract";
  else if (total === (input ?? 0) + (output ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0)) draft.cacheMode = "additive";
}
