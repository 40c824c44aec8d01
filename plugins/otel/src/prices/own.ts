import type { PriceRow } from "./price-row.ts";

/** In SIGNALBOX_HOME: the user's own prices, as `signalbox prices set` writes them. */
export const PRICES_FILE = "prices.json";

/** One entry of that file. USD per million tokens; `*` in the model stands for anything. */
export interface OwnPrice {
  model: string;
  provider?: string;
  /** ISO dates, UTC: the first day of this price, and the first on which it is no more. */
  from?: string;
  until?: string;
  input: number;
  output: number;
  cache_read?: number;
  cache_write?: number;
  cache_write_1h?: number;
  /** when it was set, ISO date */
  set: string;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const OPTIONAL_PRICES = ["cache_read", "cache_write", "cache_write_1h"] as const;

/** @throws an Error that names the entry and the field. */
export function parseOwnPrices(text: string, file: string): OwnPrice[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  const list = (parsed as { prices?: unknown } | null)?.prices;
  if (!Array.isArray(list)) throw new Error(`${file}: prices is not a list`);
  return list.map((entry: unknown, index) => {
    const problem = problemOf(entry as Record<string, unknown> | null);
    if (problem !== null) throw new Error(`${file}: prices[${index}]: ${problem}`);
    return entry as OwnPrice;
  });
}

function problemOf(entry: Record<string, unknown> | null): string | null {
  if (typeof entry !== "object" || entry === null) return "is not an object";
  if (typeof entry.model !== "string" || entry.model === "") return "model is not a name";
  if (entry.provider !== undefined && typeof entry.provider !== "string") return "provider is not a name";
  for (const name of ["from", "until", "set"]) {
    const date = entry[name];
    if (date === undefined && name !== "set") continue;
    if (typeof date !== "string" || !DATE.test(date) || Number.isNaN(Date.parse(date))) return `${name} is not a date as 2026-11-21`;
  }
  for (const name of ["input", "output", ...OPTIONAL_PRICES]) {
    const price = entry[name];
    if (price === undefined && name !== "input" && name !== "output") continue;
    if (typeof price !== "number" || !(price >= 0 && price <= 1_000_000)) return `${name} is not USD per million tokens`;
  }
  return null;
}

export function ownPrices(entries: readonly OwnPrice[], file: string): PriceRow[] {
  return entries.map((entry) => ({
    own: true,
    provider: entry.provider ?? "*",
    model: new RegExp(`^${entry.model.toLowerCase().split("*").map(escaped).join(".*")}$`),
    ...(entry.from !== undefined && { from: entry.from }),
    ...(entry.until !== undefined && { until: entry.until }),
    input: entry.input,
    output: entry.output,
    ...(entry.cache_read !== undefined && { cacheRead: entry.cache_read }),
    ...(entry.cache_write !== undefined && { cacheWrite: entry.cache_write }),
    ...(entry.cache_write_1h !== undefined && { cacheWrite1h: entry.cache_write_1h }),
    source: file,
    read: entry.set,
  }));
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
