import { Operation } from "@signalbox/otel/conventions";
import type { SpanDraft } from "../span-batch.ts";
import type { AttributeView, Emitter } from "./emitter.ts";
import { clearUsage, setUsage } from "./usage.ts";

/**
 * OpenClaw's own exporter (the diagnostics-otel plugin), by docs/gateway/opentelemetry.md of its repository. Not our plugin's spans:
 * those speak gen_ai and signalbox names.
 *
 * `openclaw.model.usage` has the tokens and is the call; `openclaw.model.call` is the same call without them, under the name
 * `{operation} {model}` where the latest GenAI names are opted in. Sessions are on root spans only, as a hash: the others are joined
 * to them by the trace.
 */
export const openClaw: Emitter = {
  name: "openclaw",
  markers: ["openclaw.provider", "openclaw.channel", "openclaw.toolName", "openclaw.outcome", "openclaw.api", "openclaw.exec.target"],
  isContent: (name) => name.startsWith("openclaw.content."),

  apply(draft, { attributes, content, span }) {
    const { row } = draft;
    row.agent_kind = "openclaw";
    row.channel ??= known(attributes.text("openclaw.channel"));
    row.agent_name ??= attributes.text("openclaw.agent");
    row.provider ??= attributes.text("openclaw.provider");
    row.request_model ??= attributes.text("openclaw.model");
    if (attributes.has("openclaw.errorCategory")) row.status = 2;
    content.add("system", attributes.get("openclaw.content.system_prompt") ?? null);
    content.add("input", attributes.get("openclaw.content.input_messages") ?? attributes.get("openclaw.content.tool_input") ?? null);
    content.add("output", attributes.get("openclaw.content.output_messages") ?? attributes.get("openclaw.content.tool_output") ?? null);
    if (span.name === "openclaw.model.usage") {
      row.operation = Operation.chat;
      applyUsage(draft, attributes);
      return;
    }
    clearUsage(draft);
    row.operation = "";
    if (span.name === "openclaw.harness.run") row.operation = Operation.invokeAgent;
    else if (span.name === "openclaw.tool.execution") {
      row.operation = Operation.executeTool;
      row.tool_name = attributes.text("openclaw.toolName") ?? row.tool_name;
    }
  },
};

/** Session keys and the like are replaced by this word before they leave OpenClaw. */
const known = (text: string | null) => (text === "unknown" ? null : text);

/** Whether input includes the cached tokens is said by the total, where there is one. */
function applyUsage(draft: SpanDraft, attributes: AttributeView): void {
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
