/**
 * The arithmetic on token prices.
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

const NUSD_PER_USD = 1_000_000_000;
const picoPerToken = (usdPerMillion: number) => Math.round(usdPerMillion * 1_000_000);

/** The cost of one call in nano-USD; undefined beyond exact arithmetic, 9 · 10¹⁵ pico-USD (9,000 USD a call): no call costs that, who counts so counts wrong. */
export function costNanousd(listed: TokenPrice, usage: TokenUsage): number | undefined {
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
  return Number.isSafeInteger(pico) ? Math.floor((pico + 500) / 1000) : undefined;
}

export const nanousdToUsd = (nanousd: number | bigint): number => Number(nanousd) / NUSD_PER_USD;
export const usdToNanousd = (usd: number): number => Math.round(usd * NUSD_PER_USD);

/** Every price of it times a factor, long input too: what a service tier or a region does. */
export function scaled(price: TokenPrice, times: number): TokenPrice {
  const { long, ...flat } = price;
  const each = (prices: Omit<TokenPrice, "long">): TokenPrice => ({
    input: prices.input * times,
    output: prices.output * times,
    ...(prices.cacheRead !== undefined && { cacheRead: prices.cacheRead * times }),
    ...(prices.cacheWrite !== undefined && { cacheWrite: prices.cacheWrite * times }),
    ...(prices.cacheWrite1h !== undefined && { cacheWrite1h: prices.cacheWrite1h * times }),
  });
  return { ...each(flat), ...(long && { long: { above: long.above, ...each(long) } }) };
}
