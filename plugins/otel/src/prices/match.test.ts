import { describe, expect, it } from "vitest";
import { costNanousd, type TokenUsage } from "./cost.ts";
import { matchPrice, modelId, type PriceQuery } from "./match.ts";
import { ownPrices, parseOwnPrices } from "./own.ts";
import type { PriceRow } from "./price-row.ts";
import { PRICES } from "./table.ts";

const day = (text: string) => Date.parse(`${text}T12:00:00Z`);
const cost = (query: PriceQuery, usage: TokenUsage) => {
  const match = matchPrice(query);
  return match === undefined ? null : costNanousd(match.price, usage);
};

/** USD per million tokens is 1,000 nano-USD a token: each line is worked by hand in the comment. Null: unknown. */
const CASES: [what: string, query: PriceQuery, usage: TokenUsage, nanousd: number | null][] = [
  // half of 1,000 × 5,000 + 100 × 25,000
  ["Anthropic's batches", { model: "claude-opus-5", serviceTier: "batch" }, { input: 1_000, output: 100 }, 3_750_000],
  // half of 100 × 3,000 + 900 × 300 + 10 × 15,000
  ["a batch with a cache", { model: "claude-sonnet-4-6", serviceTier: "batch" }, { input: 1_000, output: 10, cacheRead: 900 }, 360_000],
  // 1,000 × 30,000
  ["fast Opus 4.6", { model: "claude-opus-4-6", serviceTier: "fast" }, { input: 1_000, output: 0 }, 30_000_000],
  // 10 × 8,000 + 10 × 40,000
  ["fast Opus 5.5", { model: "claude-opus-5-5", serviceTier: "fast" }, { input: 10, output: 10 }, 480_000],
  // 1.1 × (1,000 × 5,000 + 100 × 25,000)
  ["US-only inference", { model: "claude-opus-4-7", provider: "anthropic", region: "us" }, { input: 1_000, output: 100 }, 8_250_000],
  // a batch there: 0.55 × 1,000 × 5,000
  ["a batch in the US", { model: "claude-opus-4-7", region: "us", serviceTier: "batch" }, { input: 1_000, output: 0 }, 2_750_000],
  // 1.1 × (1,000 × 3,000 + 100 × 15,000), and without the tenth
  [
    "Bedrock in a region",
    { model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0", provider: "aws.bedrock" },
    { input: 1_000, output: 100 },
    4_950_000,
  ],
  [
    "Bedrock, global",
    { model: "global.anthropic.claude-sonnet-4-5-20250929-v1:0", provider: "aws.bedrock" },
    { input: 1_000, output: 100 },
    4_500_000,
  ],
  // before 4.5 a region was no dearer: 1,000 × 3,000
  [
    "Bedrock, an older model",
    { model: "eu.anthropic.claude-sonnet-4-20250514-v1:0", provider: "aws.bedrock" },
    { input: 1_000, output: 0 },
    3_000_000,
  ],
  // 1.1 × 1,000 × 1,000
  [
    "Vertex AI in a region",
    { model: "claude-haiku-4-5@20251001", provider: "gcp.vertex_ai", region: "europe-west1" },
    { input: 1_000, output: 0 },
    1_100_000,
  ],
  [
    "Vertex AI, global",
    { model: "claude-haiku-4-5@20251001", provider: "gcp.vertex_ai", region: "global" },
    { input: 1_000, output: 0 },
    1_000_000,
  ],
  // sources differ on long prompts of Sonnet 4.5: as Claude Code has it, 200,001 × 3,000 + 1 × 15,000
  ["Sonnet 4.5 is never long", { model: "claude-sonnet-4-5" }, { input: 200_001, output: 1 }, 600_018_000],
  ["nor is Sonnet 4.6", { model: "claude-sonnet-4-6" }, { input: 200_001, output: 1 }, 600_018_000],
  // 100,000 × 100; one more, and all of it is 500: 100,001 × 500 + 1 × 2,500
  ["Haiku 5.5, not long", { model: "claude-haiku-5-5" }, { input: 100_000, output: 0 }, 10_000_000],
  ["Haiku 5.5, long", { model: "claude-haiku-5-5" }, { input: 100_001, output: 1 }, 50_003_000],
  // 1,000 read × 200 until 2026-10-06, × 100 from the 7th
  [
    "before a cut",
    { model: "claude-sonnet-5-5", at: Date.parse("2026-10-06T23:59:59Z") },
    { input: 1_000, output: 0, cacheRead: 1_000 },
    200_000,
  ],
  [
    "after a cut",
    { model: "claude-sonnet-5-5", at: Date.parse("2026-10-07T00:00:00Z") },
    { input: 1_000, output: 0, cacheRead: 1_000 },
    100_000,
  ],
  ["before anything was read", { model: "gpt-5.6-terra", at: day("2026-07-29") }, { input: 1, output: 1 }, null],
  // 100 × 2,000 + 10 × 12,000
  ["from then on", { model: "gpt-5.6-terra", at: day("2026-07-30") }, { input: 100, output: 10 }, 320_000],
  // half of 400 × 1,250 + 600 × 125 + 100 × 10,000
  ["OpenAI's flex", { model: "gpt-5", serviceTier: "flex" }, { input: 1_000, output: 100, cacheRead: 600 }, 787_500],
  // 400 × 2,500 + 600 × 250 + 100 × 20,000
  ["OpenAI's priority", { model: "gpt-5", serviceTier: "priority" }, { input: 1_000, output: 100, cacheRead: 600 }, 3_150_000],
  // 10 × 12,500 + 10 × 75,000: two and a half times, not twice
  ["priority of GPT-5.5", { model: "gpt-5.5", serviceTier: "priority" }, { input: 10, output: 10 }, 875_000],
  // 10 × 3,500 + 5 read × 875 less: 5 × 3,500 + 5 × 875
  ["priority of GPT-4.1, cached", { model: "gpt-4.1", serviceTier: "priority" }, { input: 10, output: 0, cacheRead: 5 }, 21_875],
  ["default is standard", { model: "gpt-5", serviceTier: "default" }, { input: 8, output: 0 }, 10_000],
  ["a tier that is not in the table", { model: "gpt-5", serviceTier: "scale" }, { input: 8, output: 0 }, null],
  // 272,001 × 4,000 + 1 × 15,000; fast doubles it
  ["GPT-6.1 Sol, long", { model: "gpt-6.1-sol" }, { input: 272_001, output: 1 }, 1_088_019_000],
  ["GPT-6.1 Sol, long and fast", { model: "gpt-6.1-sol", serviceTier: "fast" }, { input: 272_001, output: 1 }, 2_176_038_000],
  // 5 × 10,000 + 3 read × 1,000 + 2 written × 12,500
  ["GPT-6 Astra's cache", { model: "openai/gpt-6-astra" }, { input: 10, output: 0, cacheRead: 3, cacheWrite: 2 }, 78_000],
  // batches: 500 × 150 + 500 read × 30 + 100 × 1,250; the cache keeps its price
  ["Gemini's batches", { model: "gemini-2.5-flash", serviceTier: "batch" }, { input: 1_000, output: 100, cacheRead: 500 }, 215_000],
  // 10 × 1,400 + 90 × 260 + 5 × 4,400
  ["GLM", { model: "z-ai/glm-5.3" }, { input: 100, output: 5, cacheRead: 90 }, 59_400],
  // 100 × 500 + 10 × 1,500, and half
  ["Mistral", { model: "mistral-large-3" }, { input: 100, output: 10 }, 65_000],
  ["Mistral's batches", { model: "mistral-large-3", serviceTier: "batch" }, { input: 100, output: 10 }, 32_500],
  ["what nobody publishes", { model: "house-model" }, { input: 1, output: 1 }, null],
];

describe("matchPrice", () => {
  it.each(CASES)("%s", (_what, query, usage, nanousd) => {
    expect(cost(query, usage)).toBe(nanousd);
  });

  it("takes the row that knows more of the id, wherever it stands, and never one whose days are over", () => {
    const row = { provider: "p", output: 0, source: "s", read: "2026-11-21" };
    const table: PriceRow[] = [
      { ...row, model: /^m/, input: 1 },
      { ...row, model: /^m-large/, input: 2 },
      { ...row, model: /^m-large-2/, input: 3, until: "2026-02-01" },
      { ...row, model: /^m-large-2/, input: 4, from: "2026-02-01" },
      { ...row, model: /^m-large-2/, input: 5, from: "2026-03-01" },
      { ...row, model: /^m/, provider: "q", input: 6 },
    ];
    const price = (query: PriceQuery, rows = table) => matchPrice(query, rows)?.row.input;
    for (const rows of [table, table.toReversed()]) {
      expect(price({ model: "m-small", provider: "p" }, rows)).toBe(1);
      expect(price({ model: "m-large-1", provider: "p" }, rows)).toBe(2);
      expect(price({ model: "m-large-2", provider: "p", at: day("2026-01-31") }, rows)).toBe(3);
      expect(price({ model: "m-large-2", provider: "p", at: day("2026-02-02") }, rows)).toBe(4);
      expect(price({ model: "m-large-2", provider: "p", at: day("2026-03-02") }, rows)).toBe(5);
      // the provider's own row is worth more than a longer pattern of another
      expect(price({ model: "m-large-2", provider: "q" }, rows)).toBe(6);
    }
  });

  it("puts the user's own price first, and says so", () => {
    const [own] = ownPrices([{ model: "gpt-5*", input: 1, output: 1, set: "2026-11-21" }], "prices.json");
    const match = matchPrice({ model: "gpt-5-mini", provider: "openai" }, [...PRICES, own as PriceRow]);
    expect(match).toMatchObject({ price: { input: 1 }, row: { source: "prices.json" } });
    expect(match?.why[0]).toBe("your own price");
    // not a pattern of regular expressions
    expect(
      matchPrice({ model: "gpt-5xmini" }, ownPrices([{ model: "gpt-5.mini", input: 1, output: 1, set: "2026-11-21" }], "f")),
    ).toBeUndefined();
  });
});

it.each([
  ["us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6", "us"],
  ["anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku-20241022", undefined],
  ["openrouter/deepseek/deepseek-v4", "deepseek-v4", undefined],
  ["claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001", undefined],
  ["gpt-5.4", "gpt-5.4", undefined],
])("reads the id %s", (model, id, region) => {
  expect(modelId(model)).toEqual({ id, region });
});

describe("parseOwnPrices", () => {
  it.each([
    ["{", "is not JSON"],
    ["[]", "prices is not a list"],
    ['{"prices":[7]}', "prices[0]: is not an object"],
    ['{"prices":[{"model":"m","input":1,"output":-1,"set":"2026-11-21"}]}', "prices[0]: output is not USD"],
    ['{"prices":[{"model":"m","input":1,"output":1,"set":"2026-11-21","from":"soon"}]}', "prices[0]: from is not a date"],
  ])("refuses %s", (text, message) => {
    expect(() => parseOwnPrices(text, "prices.json")).toThrow(message);
  });
});
