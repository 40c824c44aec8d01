import { Operation } from "@signalbox/otel/conventions";
import { boundedText } from "../text.ts";
import { ID_BYTES } from "./dialect.ts";
import type { Emitter } from "./emitter.ts";

const CONTEXT = "ai.settings.context.";

/**
 * Vercel's AI SDK 7 with `@ai-sdk/otel`, which speaks the GenAI conventions under the scope `gen_ai`; as recorded from 7.0.
 *
 * The call is the span `chat`; `invoke_agent` around it repeats the sum of its steps, and is no call anyway. Embeddings come as two spans
 * of one name: the inner one has the tokens and is the call. Sessions are what the application puts into `runtimeContext` and names in
 * `includeRuntimeContext`: on the spans around the calls, which are joined to them by the trace.
 */
export const vercelAiGenAi: Emitter = {
  name: "vercel-ai-gen-ai",
  emits: ({ scope }) => scope === "gen_ai",

  apply(draft, { attributes }) {
    const { row } = draft;
    const session = attributes.text(`${CONTEXT}sessionId`) ?? attributes.text(`${CONTEXT}session_id`);
    if (session !== null) draft.sessionId ??= boundedText(session, ID_BYTES);
    row.user_id ??= attributes.text(`${CONTEXT}userId`) ?? attributes.text(`${CONTEXT}user_id`);
    if (row.operation === Operation.embeddings && row.input_tokens === null) row.operation = "";
    const first = attributes.get("gen_ai.client.operation.time_to_first_chunk");
    if (typeof first === "number" && first >= 0) row.ttft_ms ??= first * 1000;
  },
};
