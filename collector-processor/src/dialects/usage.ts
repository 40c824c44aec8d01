import type { SpanDraft } from "../span-batch.ts";
import { MAX_COUNT } from "./dialect.ts";

/** Tokens of one call as an emitter counts them; null where it does not say. */
export interface EmittedUsage {
  input: number | null;
  output: number | null;
  cacheRead?: number | null;
  cacheWrite?: number | null;
  cacheWrite1h?: number | null;
  reasoning?: number | null;
}

/** Puts the usage into the row, in place of whatever general names said. */
export function setUsage(draft: SpanDraft, usage: EmittedUsage): void {
  const row = draft.row;
  row.input_tokens = bounded(usage.input);
  row.output_tokens = bounded(usage.output);
  row.cache_read_tokens = bounded(usage.cacheRead);
  row.cache_write_tokens = bounded(usage.cacheWrite);
  row.reasoning_tokens = bounded(usage.reasoning);
  draft.cacheWrite1hTokens = bounded(usage.cacheWrite1h);
}

/** A wrapper that repeats the usage of the calls below it says nothing of its own. */
export const clearUsage = (draft: SpanDraft): void => setUsage(draft, { input: null, output: null });

const bounded = (count: number | null | undefined): number | null =>
  count != null && Number.isInteger(count) && count >= 0 && count <= MAX_COUNT ? count : null;

/** Makes input include the cached tokens, whatever the emitter's way. */
export function includeCache({ row, cacheMode }: SpanDraft): void {
  if (row.input_tokens === null) return;
  const cached = (row.cache_read_tokens ?? 0) + (row.cache_write_tokens ?? 0);
  if (cacheMode === "additive" || (cacheMode === "unknown" && cached > row.input_tokens)) row.input_tokens += cached;
}
