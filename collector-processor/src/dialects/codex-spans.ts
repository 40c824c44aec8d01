import type { AttributeView } from "./emitter.ts";

/**
 * Codex exports some 1,200 spans for six calls, most of them reads of files and of settings. These are kept: the ones that tell the
 * story, and by name each of their ancestors as well, so that no span's parent is missing. A span is judged by itself, without
 * knowing what hangs below it: hence the ancestors' names.
 */
const STORY = ["codex.exec", "turn/start", "run_turn", "run_sampling_request", "codex.compaction"];
const ANCESTORS = [
  "op.dispatch.turn_input",
  "op.dispatch.inter_agent_communication",
  "codex.turn_input",
  "session_task.turn",
  "session_task.run",
  "run_auto_compact",
  "try_run_sampling_request",
  "receiving_stream",
  "drain_in_flight",
  "handle_output_item_done",
  "handle_tool_call_with_source",
  "dispatch_tool_call_with_state",
  // down to endpoint_session…, which the traceparent of a model request names: the gateway's spans hang below it
  "stream_request",
  "model_client.stream_responses_api",
  "responses.stream_request",
  "endpoint_session.stream_encoded_json_with",
];
const KEPT = new Set([...STORY, ...ANCESTORS]);

export function keepsCodexSpan(name: string, attributes: AttributeView): boolean {
  if (KEPT.has(name)) return true;
  // one for each event of a stream; the last one has the tokens, and a tool call that came in pieces hangs below its item's end
  if (name === "handle_responses") return attributes.has("gen_ai.usage.input_tokens") || attributes.text("from") === "output_item_done";
  // tools are named after themselves
  return attributes.has("call_id") && attributes.has("conversation.id");
}
