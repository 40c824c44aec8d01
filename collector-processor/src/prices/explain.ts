import { costNanousd, matchPrice, type PriceMatch, type PriceRow, type TokenPrice, type TokenUsage } from "@signalbox/otel/prices";
import type postgres from "postgres";
import { priceQuery, usageOf } from "../processors/price.ts";
import { draftOf, STORED_CALL, type StoredCall } from "./stored-call.ts";

/** What one stored call cost, and why. */
export interface Explanation {
  span_id: string;
  session_id: string;
  model: string | null;
  provider: string | null;
  service_tier: string | null;
  /** as stored; integer nano-USD, null: unknown */
  cost_nanousd: string | null;
  cost_source: string;
  /** by the prices of now; null: unknown, and `why` says what is missing */
  priced_nanousd: number | null;
  why: string[];
  source: string | null;
  read: string | null;
}

/**
 * Explains the model calls of one span id, 16 hex digits: an id may be in several traces. Empty: no such call. There is no index by span
 * alone: with `traceId`, 32 hex digits, the answer comes at once.
 */
export async function explain(
  sql: postgres.Sql,
  prices: readonly PriceRow[],
  spanId: string,
  traceId: string | undefined,
): Promise<Explanation[]> {
  const inTrace = traceId === undefined ? "" : "and trace_id = decode($2, 'hex')";
  const calls = await sql.unsafe<StoredCall[]>(
    `select ${STORED_CALL} from signalbox.spans where span_id = decode($1, 'hex') and is_call ${inTrace} order by start_time`,
    traceId === undefined ? [spanId] : [spanId, traceId],
  );
  return calls.map((call) => explanationOf(call, prices));
}

function explanationOf(call: StoredCall, prices: readonly PriceRow[]): Explanation {
  const draft = draftOf(call);
  const query = priceQuery(draft);
  const usage = usageOf(draft);
  const match = query === null ? undefined : matchPrice(query, prices);
  const known = match !== undefined && usage !== null;
  return {
    span_id: call.span_id.toString("hex"),
    session_id: call.session_id,
    model: call.model,
    provider: call.provider,
    service_tier: call.service_tier,
    cost_nanousd: call.cost_nusd,
    cost_source: call.cost_source,
    priced_nanousd: known ? (costNanousd(match.price, usage) ?? null) : null,
    why: known ? [...match.why, ...arithmetic(match, usage)] : [missing(call, match)],
    source: match?.row.source ?? null,
    read: match?.row.read ?? null,
  };
}

function missing(call: StoredCall, match: PriceMatch | undefined): string {
  if (call.model === null) return "the span names no model";
  if (match !== undefined) return "the span does not say its input or its output tokens";
  const tier = call.service_tier === null ? "" : ` at service tier ${call.service_tier}`;
  return `no price is known for ${call.model}${tier}: signalbox prices set ${call.model} --input … --output …`;
}

/** One line a kind of token: how many, at what. */
function arithmetic({ price }: PriceMatch, usage: TokenUsage): string[] {
  const isLong = price.long !== undefined && usage.input > price.long.above;
  const at: TokenPrice = isLong ? (price.long as TokenPrice) : price;
  const { cacheRead = 0, cacheWrite = 0 } = usage;
  const cacheWrite1h = Math.min(usage.cacheWrite1h ?? 0, cacheWrite);
  const kinds: [name: string, tokens: number, usd: number][] = [
    ["input", Math.max(0, usage.input - cacheRead - cacheWrite), at.input],
    ["cache read", cacheRead, at.cacheRead ?? at.input],
    ["cache write", cacheWrite - cacheWrite1h, at.cacheWrite ?? at.input],
    ["cache write, 1 hour", cacheWrite1h, at.cacheWrite1h ?? at.cacheWrite ?? at.input],
    ["output", usage.output, at.output],
  ];
  const lines = kinds
    .filter(([, tokens]) => tokens > 0)
    .map(([name, tokens, usd]) => `${name}: ${tokens} × ${Number(usd.toFixed(6))} USD per million`);
  return isLong ? [`longer than ${price.long?.above} input tokens: the long prices`, ...lines] : lines;
}
