import { Operation } from "@signalbox/otel/conventions";
import { costNanousd, findPrice, type TokenPrice, type TokenUsage, usdToNanousd } from "@signalbox/otel/prices";
import type { Consumer, Stage } from "../pipeline.ts";
import type { SpanBatch, SpanDraft } from "../span-batch.ts";

export interface PriceConfig {
  /** What the same call would have cost with a single vendor. */
  baseline: TokenPrice;
}

type PriceOf = (model: string, provider: string | null) => TokenPrice | undefined;
const findPriceOf: PriceOf = (model, provider) => findPrice(model, provider ?? undefined);

const MAX_REMEMBERED = 1_000;

/** The table is a list of patterns; a fleet uses few models. */
function remembered(priceOf: PriceOf): PriceOf {
  const known = new Map<string, TokenPrice | undefined>();
  return (model, provider) => {
    const key = `${provider}\0${model}`;
    if (known.has(key)) return known.get(key);
    if (known.size >= MAX_REMEMBERED) known.clear();
    const found = priceOf(model, provider);
    known.set(key, found);
    return found;
  };
}

/** What each call cost, and what it would have cost on the baseline. Only the leaf span of a call has a cost; unknown is said, never 0. */
export function price(config: PriceConfig, next: Consumer<SpanBatch>): Stage<SpanBatch> {
  const priceOf = remembered(findPriceOf);
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume(batch) {
      for (const span of batch.spans) priceSpan(span, config, priceOf);
      await next.consume(batch);
    },
  };
}

export function priceSpan(draft: SpanDraft, config: PriceConfig, priceOf = findPriceOf): void {
  const row = draft.row;
  if (!row.is_call) {
    row.cost_nusd = null;
    row.cost_source = null;
    row.baseline_nusd = null;
    return;
  }
  const usage = usageOf(draft);
  if (row.cost_nusd === null && draft.costUsd !== null) row.cost_nusd = usdToNanousd(draft.costUsd);
  if (row.cost_nusd !== null) row.cost_source ??= "reported";
  else {
    const found = row.model === null ? undefined : priceOf(row.model, row.provider);
    row.cost_nusd = found === undefined || usage === null ? null : costOrUnknown(found, usage);
    row.cost_source = row.cost_nusd === null ? "unknown" : "priced";
  }
  // a chat model does not answer for an embedding: its baseline is what it cost
  if (row.operation === Operation.embeddings) row.baseline_nusd ??= row.cost_nusd;
  else if (usage !== null) row.baseline_nusd ??= costOrUnknown(config.baseline, usage);
}

/** Null for a usage so large that the sum would not be exact: no call is. */
function costOrUnknown(tokenPrice: TokenPrice, usage: TokenUsage): number | null {
  try {
    return costNanousd(tokenPrice, usage);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Null where the span does not say enough for a price: a chat without its output would come out too cheap. */
function usageOf({ row, cacheWrite1hTokens }: SpanDraft): TokenUsage | null {
  if (row.input_tokens === null) return null;
  if (row.output_tokens === null && row.operation !== Operation.embeddings) return null;
  return {
    input: row.input_tokens,
    output: row.output_tokens ?? 0,
    cacheRead: row.cache_read_tokens ?? 0,
    cacheWrite: row.cache_write_tokens ?? 0,
    cacheWrite1h: cacheWrite1hTokens ?? 0,
  };
}
