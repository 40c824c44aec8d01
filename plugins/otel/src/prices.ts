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
  /** What the whole call costs when its input, cached tokens included, is longer than `above` tokens. */
  long?: { above: number } & Omit<TokenPrice, "long">;
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
  /** Where the price was read. */
  source: string;
  /** When it was read (ISO date); the copies of the pages that were read are a few days to months older. */
  read: string;
}

const NUSD_PER_USD = 1_000_000_000;
const picoPerToken = (usdPerMillion: number) => Math.round(usdPerMillion * 1_000_000);

/** The cost of one call in nano-USD. Exact while the sum stays below 9 · 10¹⁵ pico-USD (9,000 USD a call); throws a RangeError beyond. */
export function costNanousd(listed: TokenPrice, usage: TokenUsage): number {
  const price = listed.long !== undefined && usage.input > listed.long.above ? listed.long : listed;
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

const read = "2026-11-21";
const ANTHROPIC = { provider: "anthropic", source: "https://platform.claude.com/docs/en/about-claude/pricing", read };
const ANTHROPIC_MODELS = { ...ANTHROPIC, source: "https://platform.claude.com/docs/about-claude/models (lineup table)" };
const OPENAI_MODELS = { provider: "openai", source: "https://developers.openai.com/api/docs/models (the model's page)", read };
// where the provider's own page was not at hand, the table that was read
const COPILOT = "github/docs data/tables/copilot/models-and-pricing.yml";
const LITELLM = "LiteLLM model_prices_and_context_window.json of 2026-07-24";
const OPENAI = { provider: "openai", source: `not the provider's page: ${LITELLM}`, read };
const OPENAI_TABLES = { ...OPENAI, source: `not the provider's page: ${COPILOT}` };
const GOOGLE = { provider: "gcp.gemini", source: `not the provider's page: ${LITELLM}`, read };
const GOOGLE_TABLES = { ...GOOGLE, source: `not the provider's page: ${COPILOT}` };
const DEEPSEEK = {
  provider: "deepseek",
  source: "https://api-docs.deepseek.com/quick_start/pricing (peak hours; half of it off-peak)",
  read,
};
const XAI = { provider: "x_ai", source: `not the provider's page: ${COPILOT}`, read };
const MOONSHOT = { provider: "moonshot_ai", source: `not the provider's page: ${COPILOT}`, read };
const OPENAI_UNREAD = { ...OPENAI, source: "not read again; the list price known before" };

/** Published list prices for on-demand use. More specific patterns stand first. */
export const PRICES: readonly PriceRow[] = [
  { ...ANTHROPIC, model: /^claude-(fable|mythos)-5-1/, input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5, cacheWrite1h: 20 },
  { ...ANTHROPIC, model: /^claude-(fable|mythos)-5/, input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5, cacheWrite1h: 20 },
  {
    ...ANTHROPIC_MODELS,
    source: `${ANTHROPIC_MODELS.source}; cache prices from docs.rs/synaps 0.10.2, which cites Anthropic's page`,
    model: /^claude-opus-5-5/,
    input: 4,
    output: 20,
    cacheRead: 0.2,
    cacheWrite: 5,
    cacheWrite1h: 8,
  },
  { ...ANTHROPIC, model: /^claude-opus-(5|4-[5-9])/, input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25, cacheWrite1h: 10 },
  { ...ANTHROPIC, model: /^claude-(opus-4|3-opus)/, input: 15, output: 75, cacheRead: 1.5, cacheWrite: 18.75, cacheWrite1h: 30 },
  {
    ...ANTHROPIC_MODELS,
    source: `${ANTHROPIC_MODELS.source}; cache read cut on 2026-10-07 per releases of claudit 1.9.2 and PromptFuel 1.0.23`,
    model: /^claude-sonnet-5-5/,
    input: 2,
    output: 10,
    cacheRead: 0.1,
    cacheWrite: 2.5,
    cacheWrite1h: 4,
  },
  { ...ANTHROPIC_MODELS, model: /^claude-sonnet-5/, input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5, cacheWrite1h: 4 },
  { ...ANTHROPIC, model: /^claude-(sonnet-4|3-[57]-sonnet)/, input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, cacheWrite1h: 6 },
  {
    ...ANTHROPIC_MODELS,
    source: `${ANTHROPIC_MODELS.source}; cache and long prices per releases of claudit 1.9.2 and PromptFuel 1.0.23`,
    model: /^claude-haiku-5-5/,
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    cacheWrite1h: 0.2,
    long: { above: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625, cacheWrite1h: 1 },
  },
  { ...ANTHROPIC, model: /^claude-haiku-4-5/, input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 },
  { ...ANTHROPIC, model: /^claude-3-5-haiku/, input: 0.8, output: 4, cacheRead: 0.08, cacheWrite: 1, cacheWrite1h: 1.6 },
  { ...ANTHROPIC, model: /^claude-3-haiku/, input: 0.25, output: 1.25, cacheRead: 0.03, cacheWrite: 0.3, cacheWrite1h: 0.5 },
  {
    ...OPENAI_TABLES,
    model: /^gpt-5\.6-luna/,
    input: 0.2,
    output: 1.2,
    cacheRead: 0.02,
    cacheWrite: 0.25,
    long: { above: 200_000, input: 0.4, output: 1.8, cacheRead: 0.04, cacheWrite: 0.5 },
  },
  {
    ...OPENAI_TABLES,
    model: /^gpt-5\.6-terra/,
    input: 2,
    output: 12,
    cacheRead: 0.2,
    cacheWrite: 2.5,
    long: { above: 272_000, input: 4, output: 18, cacheRead: 0.4, cacheWrite: 5 },
  },
  {
    ...OPENAI_TABLES,
    model: /^gpt-5\.6-sol/,
    input: 5,
    output: 30,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    long: { above: 272_000, input: 10, output: 45, cacheRead: 1, cacheWrite: 12.5 },
  },
  {
    ...OPENAI_TABLES,
    model: /^gpt-5\.5(-\d{4}.*)?$/,
    input: 5,
    output: 30,
    cacheRead: 0.5,
    long: { above: 272_000, input: 10, output: 45, cacheRead: 1 },
  },
  { ...OPENAI_TABLES, model: /^gpt-5\.4-nano/, input: 0.2, output: 1.25, cacheRead: 0.02 },
  { ...OPENAI_TABLES, model: /^gpt-5\.4-mini/, input: 0.75, output: 4.5, cacheRead: 0.075 },
  {
    ...OPENAI_TABLES,
    model: /^gpt-5\.4(-\d{4}.*)?$/,
    input: 2.5,
    output: 15,
    cacheRead: 0.25,
    long: { above: 272_000, input: 5, output: 22.5, cacheRead: 0.5 },
  },
  { ...OPENAI, model: /^gpt-5\.[23](-codex)?(-\d{4}.*)?$/, input: 1.75, output: 14, cacheRead: 0.175 },
  { ...OPENAI, model: /^gpt-5-pro/, input: 15, output: 120 },
  { ...OPENAI_MODELS, model: /^gpt-5-nano/, input: 0.05, output: 0.4, cacheRead: 0.005 },
  { ...OPENAI, model: /^gpt-5(\.1)?(-codex)?-mini/, input: 0.25, output: 2, cacheRead: 0.025 },
  { ...OPENAI_MODELS, model: /^gpt-5-codex/, input: 1.25, output: 10, cacheRead: 0.125 },
  { ...OPENAI, model: /^gpt-5(\.1)?(-codex|-codex-max|-chat-latest)?(-\d{4}.*)?$/, input: 1.25, output: 10, cacheRead: 0.125 },
  { ...OPENAI, model: /^gpt-4\.1-nano/, input: 0.1, output: 0.4, cacheRead: 0.025 },
  { ...OPENAI, model: /^gpt-4\.1-mini/, input: 0.4, output: 1.6, cacheRead: 0.1 },
  { ...OPENAI, model: /^gpt-4\.1(-\d{4}.*)?$/, input: 2, output: 8, cacheRead: 0.5 },
  { ...OPENAI, model: /^gpt-4o-mini(-\d{4}.*)?$/, input: 0.15, output: 0.6, cacheRead: 0.075 },
  { ...OPENAI, model: /^gpt-4o(-\d{4}.*)?$/, input: 2.5, output: 10, cacheRead: 1.25 },
  { ...OPENAI, model: /^o4-mini(-\d{4}.*)?$/, input: 1.1, output: 4.4, cacheRead: 0.275 },
  { ...OPENAI, model: /^o3-mini/, input: 1.1, output: 4.4, cacheRead: 0.55 },
  { ...OPENAI, model: /^o3(-\d{4}.*)?$/, input: 2, output: 8, cacheRead: 0.5 },
  { ...OPENAI_UNREAD, model: /^text-embedding-3-small/, input: 0.02, output: 0 },
  { ...OPENAI_UNREAD, model: /^text-embedding-3-large/, input: 0.13, output: 0 },
  { ...GOOGLE_TABLES, model: /^gemini-3\.[67]-flash(-preview)?$/, input: 0.75, output: 3.75, cacheRead: 0.075 },
  { ...GOOGLE_TABLES, model: /^gemini-3\.5-flash(-preview)?$/, input: 1.5, output: 9, cacheRead: 0.15 },
  { ...GOOGLE, model: /^gemini-3-flash/, input: 0.5, output: 3, cacheRead: 0.05 },
  {
    ...GOOGLE,
    model: /^gemini-3(\.1)?-pro(-preview.*)?$/,
    input: 2,
    output: 12,
    cacheRead: 0.2,
    long: { above: 200_000, input: 4, output: 18, cacheRead: 0.4 },
  },
  { ...GOOGLE, model: /^gemini-2\.5-flash-lite/, input: 0.1, output: 0.4, cacheRead: 0.01 },
  { ...GOOGLE, model: /^gemini-2\.5-flash(-preview.*)?$/, input: 0.3, output: 2.5, cacheRead: 0.03 },
  {
    ...GOOGLE,
    model: /^gemini-2\.5-pro/,
    input: 1.25,
    output: 10,
    cacheRead: 0.125,
    long: { above: 200_000, input: 2.5, output: 15, cacheRead: 0.25 },
  },
  { ...DEEPSEEK, model: /^deepseek-(flash|v4-flash)/, input: 0.3, output: 1.2, cacheRead: 0.006 },
  { ...DEEPSEEK, model: /^deepseek-v4-pro/, input: 1.32, output: 3.96, cacheRead: 0.044 },
  {
    ...DEEPSEEK,
    source: `not the provider's page, which lists them no more: ${LITELLM}`,
    model: /^deepseek-(chat|reasoner)/,
    input: 0.28,
    output: 0.42,
    cacheRead: 0.028,
  },
  {
    ...XAI,
    model: /^grok-4\.[56]/,
    input: 2,
    output: 6,
    cacheRead: 0.5,
    long: { above: 200_000, input: 4, output: 12, cacheRead: 1 },
  },
  { ...MOONSHOT, model: /^kimi-k3/, input: 3, output: 15, cacheRead: 0.3 },
];
