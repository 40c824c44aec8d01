/**
 * What model providers charge per token, and the arithmetic on it.
 *
 * One price is in USD per million tokens, as providers publish it. Costs are integer nano-USD. The sum is made in integer
 * pico-USD (1 USD per million tokens = 1,000,000 pico-USD per token; every published price is a whole number of those) and
 * rounded half up once per call, so that two programs that read the same table agree to the nano-USD.
 */

/** USD per million tokens. A cache price that is absent is charged as input. */
export interface TokenPrice {
  input: number;
  output: number;
  cacheRead?: number;
  /** Cache write; Anthropic's 5-minute one where there are two. */
  cacheWrite?: number;
  cacheWrite1h?: number;
}

/** Tokens of one call. `input` includes `cacheRead` and `cacheWrite`; `output` includes reasoning. */
export interface TokenUsage {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  /** The part of `cacheWrite` with one hour to live. */
  cacheWrite1h?: number;
}

export interface PriceRow extends TokenPrice {
  provider: string;
  /** Matches the model id as the provider answers it, dated suffix included. */
  model: RegExp;
  /** Where the price was read, and when (ISO date). */
  source: string;
  read: string;
}

const NUSD_PER_USD = 1_000_000_000;
const picoPerToken = (usdPerMillion: number) => Math.round(usdPerMillion * 1_000_000);

/** The cost of one call in nano-USD. Exact while the sum stays below 9 · 10¹⁵ pico-USD (9,000 USD a call); throws a RangeError beyond. */
export function costNanousd(price: TokenPrice, usage: TokenUsage): number {
  const cacheRead = usage.cacheRead ?? 0;
  const cacheWrite = usage.cacheWrite ?? 0;
  const cacheWrite1h = Math.min(usage.cacheWrite1h ?? 0, cacheWrite);
  const plainInput = Math.max(0, usage.input - cacheRead - cacheWrite);
  const pico =
    plainInput * picoPerToken(price.input) +
    cacheRead * picoPerToken(price.cacheRead ?? price.input) +
    (cacheWrite - cacheWrite1h) * picoPerToken(price.cacheWrite ?? price.input) +
    cacheWrite1h * picoPerToken(price.cacheWrite1h ?? price.cacheWrite ?? price.input) +
    usage.output * picoPerToken(price.output);
  if (!Number.isSafeInteger(pico)) throw new RangeError(`cost of ${pico} pico-USD is beyond exact arithmetic`);
  return Math.floor((pico + 500) / 1000);
}

export const nanousdToUsd = (nanousd: number | bigint): number => Number(nanousd) / NUSD_PER_USD;
export const usdToNanousd = (usd: number): number => Math.round(usd * NUSD_PER_USD);

/** The most specific row for a model: a row of the named provider wins over one of any other, then the first in the table. Undefined: unknown, never 0. */
export function findPrice(model: string, provider?: string, table: readonly PriceRow[] = PRICES): PriceRow | undefined {
  const id = model.toLowerCase().replace(/^.*\//, "");
  const rows = table.filter((row) => row.model.test(id));
  return rows.find((row) => row.provider === provider) ?? rows[0];
}

const ANTHROPIC = { provider: "anthropic", source: "https://platform.claude.com/docs/en/about-claude/pricing", read: "2026-11-21" };
const OPENAI = { provider: "openai", source: "https://platform.openai.com/docs/pricing", read: "2026-11-21" };
const GOOGLE = { provider: "gcp.gemini", source: "https://ai.google.dev/gemini-api/docs/pricing", read: "2026-11-21" };
const DEEPSEEK = { provider: "deepseek", source: "https://api-docs.deepseek.com/quick_start/pricing", read: "2026-11-21" };

/** Published list prices. More specific patterns stand first. */
export const PRICES: readonly PriceRow[] = [
  { ...ANTHROPIC, model: /^claude-opus-4-[5-9]/, input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25, cacheWrite1h: 10 },
  { ...ANTHROPIC, model: /^claude-opus-4/, input: 15, output: 75, cacheRead: 1.5, cacheWrite: 18.75, cacheWrite1h: 30 },
  { ...ANTHROPIC, model: /^claude-sonnet-4/, input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, cacheWrite1h: 6 },
  { ...ANTHROPIC, model: /^claude-haiku-4-5/, input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 },
  { ...ANTHROPIC, model: /^claude-3-5-haiku/, input: 0.8, output: 4, cacheRead: 0.08, cacheWrite: 1, cacheWrite1h: 1.6 },
  { ...OPENAI, model: /^gpt-5(\.1)?-nano/, input: 0.05, output: 0.4, cacheRead: 0.005 },
  { ...OPENAI, model: /^gpt-5(\.1)?(-codex)?-mini/, input: 0.25, output: 2, cacheRead: 0.025 },
  { ...OPENAI, model: /^gpt-5(\.1)?(-codex)?(-\d{4}.*)?$/, input: 1.25, output: 10, cacheRead: 0.125 },
  { ...OPENAI, model: /^gpt-4\.1-nano/, input: 0.1, output: 0.4, cacheRead: 0.025 },
  { ...OPENAI, model: /^gpt-4\.1-mini/, input: 0.4, output: 1.6, cacheRead: 0.1 },
  { ...OPENAI, model: /^gpt-4\.1/, input: 2, output: 8, cacheRead: 0.5 },
  { ...OPENAI, model: /^gpt-4o-mini/, input: 0.15, output: 0.6, cacheRead: 0.075 },
  { ...OPENAI, model: /^gpt-4o/, input: 2.5, output: 10, cacheRead: 1.25 },
  { ...OPENAI, model: /^o3-mini|^o4-mini/, input: 1.1, output: 4.4, cacheRead: 0.275 },
  { ...OPENAI, model: /^o3/, input: 2, output: 8, cacheRead: 0.5 },
  { ...OPENAI, model: /^text-embedding-3-small/, input: 0.02, output: 0 },
  { ...OPENAI, model: /^text-embedding-3-large/, input: 0.13, output: 0 },
  { ...GOOGLE, model: /^gemini-2\.5-flash-lite/, input: 0.1, output: 0.4, cacheRead: 0.01 },
  { ...GOOGLE, model: /^gemini-2\.5-flash/, input: 0.3, output: 2.5, cacheRead: 0.03 },
  { ...GOOGLE, model: /^gemini-2\.5-pro/, input: 1.25, output: 10, cacheRead: 0.125 },
  { ...DEEPSEEK, model: /^deepseek-(chat|reasoner)/, input: 0.28, output: 0.42, cacheRead: 0.028 },
];
