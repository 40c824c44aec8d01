import { CACHE_WRITE_1H, SERVICE_TIERS } from "../dialects/gen-ai.ts";
import { emptyDraft, type SpanDraft } from "../span-batch.ts";

/** A stored call with what its price depends on. 64-bit integers are text, as the driver hands them on. */
export interface StoredCall {
  session_id: string;
  /** microseconds since 1970 */
  start_micros: string;
  span_id: Buffer;
  name: string;
  operation: string;
  provider: string | null;
  model: string | null;
  input_tokens: string | null;
  cache_read_tokens: string | null;
  cache_write_tokens: string | null;
  output_tokens: string | null;
  cost_nusd: string | null;
  cost_source: string;
  baseline_nusd: string | null;
  service_tier: string | null;
  cache_write_1h: string | null;
}

const attribute = (names: readonly string[]) => `coalesce(${names.map((name) => `attributes->>'${name}'`).join(", ")})`;

/** The columns of a StoredCall. */
export const STORED_CALL = `session_id, (extract(epoch from start_time) * 1000000)::bigint as start_micros, span_id, name, operation, provider, model,
  input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_nusd, cost_source, baseline_nusd,
  ${attribute([...SERVICE_TIERS.served, ...SERVICE_TIERS.asked])} as service_tier, ${attribute(CACHE_WRITE_1H)} as cache_write_1h`;

const number = (text: string | null) => (text === null ? null : Number(text));

/** The call as the pipeline had it, before it had a price. */
export function draftOf(call: StoredCall): SpanDraft {
  const draft = emptyDraft();
  Object.assign(draft.row, {
    start_time: Number(call.start_micros),
    operation: call.operation,
    is_call: true,
    provider: call.provider,
    model: call.model,
    input_tokens: number(call.input_tokens),
    cache_read_tokens: number(call.cache_read_tokens),
    cache_write_tokens: number(call.cache_write_tokens),
    output_tokens: number(call.output_tokens),
  });
  draft.serviceTier = call.service_tier;
  draft.cacheWrite1hTokens = /^\d+$/.test(call.cache_write_1h ?? "") ? Number(call.cache_write_1h) : null;
  return draft;
}
