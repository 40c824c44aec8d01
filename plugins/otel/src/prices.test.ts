import { describe, expect, it } from "vitest";
import { costNanousd, findPrice, nanousdToUsd, PRICES, type TokenPrice, type TokenUsage, usdToNanousd } from "./prices.ts";

/** USD per million tokens is 1,000 nano-USD a token: each line is worked by hand in the comment. */
const CASES: [model: string, provider: string, usage: TokenUsage, nanousd: number][] = [
  // 1,000 x 5,000 + 100 x 25,000
  ["claude-opus-4-6", "anthropic", { input: 1_000, output: 100 }, 7_500_000],
  // 1,000,000 x 5,000
  ["claude-opus-4-6", "anthropic", { input: 1_000_000, output: 0 }, 5_000_000_000],
  // 100 x 15,000 + 10 x 75,000
  ["claude-opus-4-1-20250805", "anthropic", { input: 100, output: 10 }, 2_250_000],
  ["claude-opus-4-20250514", "anthropic", { input: 100, output: 10 }, 2_250_000],
  // 100 x 5,000 + 10 x 25,000
  ["claude-opus-4-5-20251101", "anthropic", { input: 100, output: 10 }, 750_000],
  ["claude-opus-5", "anthropic", { input: 100, output: 10 }, 750_000],
  // 100 x 4,000 + 10 x 20,000
  ["claude-opus-5-5", "anthropic", { input: 100, output: 10 }, 600_000],
  // all read from the cache: 10,000 x 200
  ["claude-opus-5-5", "anthropic", { input: 10_000, output: 0, cacheRead: 10_000 }, 2_000_000],
  // 10 fresh x 3,000 + 900 read x 300 + 90 written x 3,750 + 5 x 15,000
  ["claude-sonnet-4-6", "anthropic", { input: 1_000, output: 5, cacheRead: 900, cacheWrite: 90 }, 30_000 + 270_000 + 337_500 + 75_000],
  // the same, 40 of the 90 written for an hour: 50 x 3,750 + 40 x 6,000
  [
    "claude-sonnet-4-6",
    "anthropic",
    { input: 1_000, output: 5, cacheRead: 900, cacheWrite: 90, cacheWrite1h: 40 },
    30_000 + 270_000 + 187_500 + 240_000 + 75_000,
  ],
  // 200,000 read x 300 and nothing else: a tenth of the uncached bill
  ["claude-sonnet-4-5-20250929", "anthropic", { input: 200_000, output: 0, cacheRead: 200_000 }, 60_000_000],
  ["claude-sonnet-4-5-20250929", "anthropic", { input: 200_000, output: 0 }, 600_000_000],
  // 7 x 2,000 + 3 x 10,000
  ["claude-sonnet-5", "anthropic", { input: 7, output: 3 }, 44_000],
  // 1,000 read x 200 for Sonnet 5 and x 100 for 5.5
  ["claude-sonnet-5", "anthropic", { input: 1_000, output: 0, cacheRead: 1_000 }, 200_000],
  ["claude-sonnet-5-5", "anthropic", { input: 1_000, output: 0, cacheRead: 1_000 }, 100_000],
  // 1 x 1,000 + 1 x 5,000
  ["claude-haiku-4-5-20251001", "anthropic", { input: 1, output: 1 }, 6_000],
  // 1,000 x 100 + 1,000 x 500
  ["claude-haiku-5-5", "anthropic", { input: 1_000, output: 1_000 }, 600_000],
  // exactly 100,000 is not long: 100,000 x 100; one more is, output too: 100,001 x 500 + 1 x 2,500
  ["claude-haiku-5-5", "anthropic", { input: 100_000, output: 0 }, 10_000_000],
  ["claude-haiku-5-5", "anthropic", { input: 100_001, output: 1 }, 50_003_000],
  // cached tokens make it long, too: 1 x 500 + 100,000 x 50
  ["claude-haiku-5-5", "anthropic", { input: 100_001, output: 0, cacheRead: 100_000 }, 5_000_500],
  // 1,000 x 800 + 100 x 4,000
  ["claude-3-5-haiku-20241022", "anthropic", { input: 1_000, output: 100 }, 1_200_000],
  // 4 read x 250 and 4 read x 1,000
  ["claude-fable-5-1", "anthropic", { input: 4, output: 0, cacheRead: 4 }, 1_000],
  ["claude-fable-5", "anthropic", { input: 4, output: 0, cacheRead: 4 }, 4_000],
  // OpenAI's input includes the cached part: 400 x 1,250 + 600 x 125 + 100 x 10,000
  ["gpt-5", "openai", { input: 1_000, output: 100, cacheRead: 600 }, 500_000 + 75_000 + 1_000_000],
  ["gpt-5.1-codex", "openai", { input: 1_000, output: 100, cacheRead: 600 }, 1_575_000],
  ["gpt-5-2025-08-07", "openai", { input: 8, output: 0 }, 10_000],
  // 4 x 250 + 1 x 2,000
  ["gpt-5-mini-2025-08-07", "openai", { input: 4, output: 1 }, 3_000],
  // 1 x 50 + 1 x 400; reading one cached token is 5
  ["gpt-5-nano", "openai", { input: 1, output: 1 }, 450],
  ["gpt-5-nano", "openai", { input: 1, output: 0, cacheRead: 1 }, 5],
  // 4 x 1,750 + 1 x 14,000
  ["gpt-5.3-codex", "openai", { input: 4, output: 1 }, 21_000],
  // 100 x 2,500 + 10 x 15,000; long: 300,000 x 5,000 + 10 x 22,500
  ["gpt-5.4", "openai", { input: 100, output: 10 }, 400_000],
  ["gpt-5.4", "openai", { input: 300_000, output: 10 }, 1_500_225_000],
  // 2 x 750 + 2 x 4,500
  ["gpt-5.4-mini", "openai", { input: 2, output: 2 }, 10_500],
  // 10 x 5,000 + 10 x 30,000
  ["gpt-5.5", "openai", { input: 10, output: 10 }, 350_000],
  // 10 fresh x 2,000 + 10 written x 2,500
  ["gpt-5.6-terra", "openai", { input: 20, output: 0, cacheWrite: 10 }, 45_000],
  // 250 x 2,000 + 750 x 500 + 10 x 8,000
  ["gpt-4.1-2025-04-14", "openai", { input: 1_000, output: 10, cacheRead: 750 }, 955_000],
  ["gpt-4.1-mini", "openai", { input: 10, output: 10 }, 20_000],
  // 1 x 2,500 + 1 x 1,250 + 1 x 10,000
  ["gpt-4o-2024-08-06", "openai", { input: 2, output: 1, cacheRead: 1 }, 13_750],
  // 2 x 150 + 2 x 75 + 1 x 600
  ["gpt-4o-mini", "openai", { input: 4, output: 1, cacheRead: 2 }, 1_050],
  // o3-mini reads at 550 where o4-mini reads at 275
  ["o3-mini", "openai", { input: 2, output: 0, cacheRead: 2 }, 1_100],
  ["o4-mini", "openai", { input: 2, output: 0, cacheRead: 2 }, 550],
  ["o3", "openai", { input: 1, output: 1 }, 10_000],
  ["text-embedding-3-small", "openai", { input: 1_000, output: 0 }, 20_000],
  // 200,000 x 1,250 + 1 x 10,000; one token more: 200,001 x 2,500 + 1 x 15,000
  ["gemini-2.5-pro", "gcp.gemini", { input: 200_000, output: 1 }, 250_010_000],
  ["gemini-2.5-pro", "gcp.gemini", { input: 200_001, output: 1 }, 500_017_500],
  ["gemini-2.5-flash", "gcp.gemini", { input: 10, output: 2 }, 8_000],
  ["gemini-2.5-flash-lite", "gcp.gemini", { input: 10, output: 10 }, 5_000],
  ["gemini-3.1-pro-preview", "gcp.gemini", { input: 10, output: 1 }, 32_000],
  // 1 fresh x 300 + 999 read x 6 + 1 x 1,200
  ["deepseek-flash", "deepseek", { input: 1_000, output: 1, cacheRead: 999 }, 300 + 5_994 + 1_200],
  ["deepseek-chat", "deepseek", { input: 10, output: 10, cacheRead: 5 }, 1_400 + 140 + 4_200],
];

describe("costNanousd", () => {
  it.each(CASES)("%s (%s) for %j is %i nano-USD", (model, provider, usage, nanousd) => {
    expect(costNanousd(findPrice(model, provider) as TokenPrice, usage)).toBe(nanousd);
  });

  it("rounds half a nano-USD up, once a call", () => {
    // 1 token at 0.0005 USD a million is 500 pico-USD
    expect(costNanousd({ input: 0.0005, output: 0 }, { input: 1, output: 0 })).toBe(1);
    expect(costNanousd({ input: 0.0004, output: 0 }, { input: 1, output: 0 })).toBe(0);
    // 3 x 0.4 nano-USD: each rounded alone would be 0
    expect(costNanousd({ input: 0.0004, output: 0 }, { input: 3, output: 0 })).toBe(1);
  });

  it("charges a cache price that is absent as input, and never a negative rest", () => {
    expect(costNanousd({ input: 2, output: 0 }, { input: 10, output: 0, cacheRead: 4, cacheWrite: 4 })).toBe(20_000);
    // an emitter that reports the raw input beside the cache: nothing is subtracted below zero
    expect(costNanousd({ input: 2, output: 0, cacheRead: 1 }, { input: 3, output: 0, cacheRead: 10 })).toBe(10_000);
  });

  it("knows no cost beyond exact arithmetic", () => {
    expect(costNanousd({ input: 75, output: 0 }, { input: 1e9, output: 0 })).toBeUndefined();
  });
});

describe("findPrice", () => {
  it("takes a provider's prefix and any case", () => {
    expect(findPrice("anthropic/Claude-Opus-4-6")?.input).toBe(5);
  });

  it("does not know what is not in the table", () => {
    expect(findPrice("qwen3-8b")).toBeUndefined();
    expect(findPrice("gpt-5.4-omni")).toBeUndefined();
    expect(findPrice("gpt-4o-audio-preview")).toBeUndefined();
  });

  it("prefers the named provider, then the first row", () => {
    const row = { model: /^m$/, output: 0, source: "s", read: "2026-11-21" };
    const table = [
      { ...row, provider: "a", input: 1 },
      { ...row, provider: "b", input: 2 },
    ];
    expect(findPrice("m", "b", table)?.input).toBe(2);
    expect(findPrice("m", "c", table)?.input).toBe(1);
  });
});

it("has a source and a date for every row, and whole pico-USD prices", () => {
  for (const row of PRICES) {
    expect(row.source.length, String(row.model)).toBeGreaterThan(10);
    expect(row.read).toMatch(/^\d{4}-\d\d-\d\d$/);
    for (const usd of [row.input, row.output, row.cacheRead ?? 0, row.cacheWrite ?? 0])
      expect(Number.isInteger(Number((usd * 1e6).toFixed(6)))).toBe(true);
  }
});

it("converts between USD and nano-USD", () => {
  expect(usdToNanousd(0.1234567891)).toBe(123_456_789);
  expect(nanousdToUsd(1_500_000_000n)).toBe(1.5);
});
