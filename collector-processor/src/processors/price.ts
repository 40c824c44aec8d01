import { Operation } from "@signalbox/otel/conventions";
import {
  asOfToday,
  costNanousd,
  matchPrice,
  PRICES,
  type PriceList,
  type PriceMatch,
  type PriceQuery,
  type PriceRow,
  type TokenPrice,
  type TokenUsage,
  usdToNanousd,
} from "@signalbox/otel/prices";
import type { Consumer, Stage } from "../pipeline.ts";
import { type SpanBatch, type SpanDraft, withEach } from "../span-batch.ts";

export interface PriceConfig {
  /** What the same call would have cost with a single vendor. */
  baseline: TokenPrice;
  /** The user's own prices and the published ones; default: the published ones. */
  prices?: readonly PriceRow[] | undefined;
}

type PriceOf = (query: PriceQuery) => PriceMatch | undefined;

const MAX_REMEMBERED = 1_000;
const DAY_MS = 86_400_000;

/** The choice of a row by `table`. The table is a list of patterns and a fleet uses few models: answers are kept, a day's at a time. */
export function priceFinder(table: readonly PriceRow[] = PRICES): PriceOf {
  const known = new Map<string, PriceMatch | undefined>();
  let last: (Pick<PriceQuery, "provider" | "model" | "serviceTier"> & { day: number; found: PriceMatch | undefined }) | undefined;
  return (query) => {
    const { provider, model, serviceTier } = query;
    const day = Math.floor((query.at ?? 0) / DAY_MS);
    // calls of one agent stand together
    const isLast = last?.model === model && last.provider === provider && last.serviceTier === serviceTier && last.day === day;
    if (last !== undefined && isLast) return last.found;
    const key = JSON.stringify([provider, model, serviceTier, day]);
    if (!known.has(key)) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(key, matchPrice(query, table));
    }
    last = { provider, model, serviceTier, day, found: known.get(key) };
    return last.found;
  };
}

export interface PriceStageConfig {
  /** What the baseline costs by a list. */
  baseline(rows: readonly PriceRow[]): TokenPrice;
  prices: PriceList;
}

/** What each call cost, and what it would have cost on the baseline. Only the leaf span of a call has a cost; unknown is said, never 0. */
export function price({ baseline, prices }: PriceStageConfig, next: Consumer<SpanBatch>): Stage<SpanBatch> {
  const current = asOfToday(prices, (rows) => ({ config: { baseline: baseline(rows) }, priceOf: priceFinder(rows) }));
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume(batch) {
      const { config, priceOf } = current(Date.now());
      await next.consume({ ...batch, spans: withEach(batch.spans, (span) => priceSpan(span, config, priceOf)) });
    },
  };
}

export function priceSpan(draft: SpanDraft, config: PriceConfig, priceOf = priceFinder(config.prices)): void {
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
    const query = priceQuery(draft);
    const found = query === null ? undefined : priceOf(query);
    row.cost_nusd = found === undefined || usage === null ? null : (costNanousd(found.price, usage) ?? null);
    row.cost_source = row.cost_nusd === null ? "unknown" : "priced";
  }
  // a chat model does not answer for an embedding: its baseline is what it cost
  if (row.operation === Operation.embeddings) row.baseline_nusd ??= row.cost_nusd;
  else if (usage !== null) row.baseline_nusd ??= costNanousd(config.baseline, usage) ?? null;
}

/** What a span says of its price; null where it names no model. */
export function priceQuery({ row, serviceTier }: SpanDraft): PriceQuery | null {
  return row.model === null ? null : { model: row.model, provider: row.provider, serviceTier, at: row.start_time / 1000 };
}

/** Null where the span does not say enough for a price: a chat without its output would come out too cheap. */
export function usageOf({ row, cacheWrite1hTokens }: SpanDraft): TokenUsage | null {
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
