import { scaled, type TokenPrice } from "./cost.ts";
import type { PriceRow } from "./price-row.ts";
import { PRICES } from "./table.ts";

export interface PriceQuery {
  model: string;
  provider?: string | null | undefined;
  /** Default: what the model's id says (Bedrock's `us.`, `eu.`, `global.`). */
  region?: string | null | undefined;
  serviceTier?: string | null | undefined;
  /** When the call began, milliseconds since 1970; default: now and later. */
  at?: number | undefined;
}

export interface PriceMatch {
  row: PriceRow;
  /** Of this call: tier and region counted in. */
  price: TokenPrice;
  score: number;
  /** What made this row the one, for people. */
  why: string[];
}

const OWN = 10_000;
const SAME_PROVIDER = 1_000;
const STANDARD_TIERS = new Set(["", "auto", "default", "standard", "standard_only", "on_demand"]);

/**
 * The price of a call. Of the rows that match its model and were in force, the one with the highest score: the user's own before any other,
 * then the provider's, then the one whose pattern takes in most of the id, then the latest. Order in the table means nothing.
 * Undefined: unknown, never 0; also where the row is known and the service tier's price is not.
 */
export function matchPrice(query: PriceQuery, table: readonly PriceRow[] = PRICES): PriceMatch | undefined {
  const best = bestRow(query, table);
  if (best === undefined) return undefined;
  const tiered = ofTier(best.row, query.serviceTier);
  if (tiered === undefined) return undefined;
  const { id, region } = modelId(query.model);
  const where = (query.region ?? region)?.toLowerCase();
  const uplift = where === undefined ? undefined : best.row.regions?.find((entry) => entry.in.test(where));
  const why = [
    best.row.own ? "your own price" : best.row.provider === query.provider ? "the provider's own row" : `a row of ${best.row.provider}`,
    `pattern ${best.row.model.source} takes ${best.matched} of ${id.length} characters of ${id}`,
    ...(best.row.from || best.row.until ? [`in force ${best.row.from ?? "always"} to ${best.row.until ?? "now"}`] : []),
    ...(tiered.why === null ? [] : [tiered.why]),
    ...(uplift === undefined ? [] : [`region ${where}: × ${uplift.times}`]),
  ];
  return { row: best.row, price: uplift === undefined ? tiered.price : scaled(tiered.price, uplift.times), score: best.score, why };
}

/** The row of a model at its standard tier, from now on. */
export function findPrice(model: string, provider?: string, table: readonly PriceRow[] = PRICES): PriceRow | undefined {
  return bestRow({ model, provider }, table)?.row;
}

function bestRow({ model, provider, at = Number.POSITIVE_INFINITY }: PriceQuery, table: readonly PriceRow[]) {
  const { id } = modelId(model);
  let best: { row: PriceRow; score: number; matched: number } | undefined;
  for (const row of table) {
    const matched = row.model.exec(id)?.[0].length ?? -1;
    if (matched < 0 || !inForce(row, at)) continue;
    const score = (row.own ? OWN : 0) + (row.provider === provider ? SAME_PROVIDER : 0) + matched;
    if (best === undefined || score > best.score || (score === best.score && (row.from ?? "") > (best.row.from ?? ""))) {
      best = { row, score, matched };
    }
  }
  return best;
}

function inForce({ from, until }: PriceRow, at: number): boolean {
  return (from === undefined || at >= Date.parse(from)) && (until === undefined || at < Date.parse(until));
}

function ofTier(row: PriceRow, tier: string | null | undefined): { price: TokenPrice; why: string | null } | undefined {
  const name = tier?.toLowerCase() ?? "";
  if (STANDARD_TIERS.has(name)) return { price: row, why: null };
  const special = row.tiers?.[name];
  if (special === undefined) return undefined;
  if (typeof special === "number") return { price: scaled(row, special), why: `service tier ${name}: × ${special}` };
  return { price: special, why: `service tier ${name}: prices of its own` };
}

const CLOUD_REGION = /^(us|us-gov|eu|apac|jp|au|ca|global)\.(?=[a-z0-9-]+\.)/;

/**
 * A model's id without what hosts put around it: a path (`openrouter/anthropic/…`), Bedrock's region and vendor (`us.anthropic.…-v1:0`),
 * Vertex AI's version mark (`…@20250929`).
 */
export function modelId(model: string): { id: string; region: string | undefined } {
  const name = model.toLowerCase().replace(/^.*\//, "");
  const region = CLOUD_REGION.exec(name)?.[1];
  const bare = name.replace(CLOUD_REGION, "");
  const unvendored = bare.replace(/^(?:anthropic|openai|deepseek|moonshot|mistral|zai|qwen|minimax)\./, "");
  // Bedrock's version ends what has a vendor; in deepseek-v4 it is the name
  const id = (unvendored === bare ? bare : unvendored.replace(/-v\d+(?::\d+)?$/, "")).replace("@", "-");
  return { id, region };
}
