import type { PriceRow } from "./price-row.ts";

const read = "2026-11-21";
const PAGE = { provider: "anthropic", source: "https://platform.claude.com/docs/en/about-claude/pricing", read };
const LINEUP = { ...PAGE, source: "https://platform.claude.com/docs/about-claude/models (lineup table)" };
/** aicost.ai quotes Anthropic: all usage in batches is charged at 50 % of the standard API prices, cached tokens too. */
const batch = { batch: 0.5 };
/** US-only inference, `inference_geo: us`, costs 1.1 × from Claude 4.6 on (tokenmix.ai 2026-04-30, docs.rs/supercode-harness 0.5.150). */
const regions = [{ in: /^us$/, times: 1.1 }];

const SONNET_4 = {
  ...PAGE,
  source: `${PAGE.source}; Bifrost's datasheet has 6 and 22.5 above 200,000 tokens, Claude Code 2.1.329 charges no more for a million, and is followed`,
};

const direct: PriceRow[] = [
  {
    ...PAGE,
    model: /^claude-(fable|mythos)-5-1/,
    input: 10,
    output: 50,
    cacheRead: 0.25,
    cacheWrite: 12.5,
    cacheWrite1h: 20,
    tiers: batch,
    regions,
  },
  {
    ...PAGE,
    model: /^claude-(fable|mythos)-5/,
    input: 10,
    output: 50,
    cacheRead: 1,
    cacheWrite: 12.5,
    cacheWrite1h: 20,
    tiers: batch,
    regions,
  },
  {
    ...LINEUP,
    source: `${LINEUP.source}; cache prices from docs.rs/synaps 0.10.2 and PromptFuel 1.0.21, which cite Anthropic; fast mode from the latter`,
    model: /^claude-opus-5-5/,
    from: "2026-09-22",
    input: 4,
    output: 20,
    cacheRead: 0.2,
    cacheWrite: 5,
    cacheWrite1h: 8,
    tiers: { ...batch, fast: 2 },
    regions,
  },
  {
    ...PAGE,
    model: /^claude-opus-(5|4-[78])/,
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    cacheWrite1h: 10,
    tiers: batch,
    regions,
  },
  {
    ...PAGE,
    source: `${PAGE.source}; fast mode from tokenmix.ai/blog/anthropic-api-pricing (2026-04-30)`,
    model: /^claude-opus-4-6/,
    input: 5,
    output: 25,
    cacheRead: 0.5,
    cacheWrite: 6.25,
    cacheWrite1h: 10,
    tiers: { ...batch, fast: 6 },
    regions,
  },
  { ...PAGE, model: /^claude-opus-4-5/, input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25, cacheWrite1h: 10, tiers: batch },
  { ...PAGE, model: /^claude-(opus-4|3-opus)/, input: 15, output: 75, cacheRead: 1.5, cacheWrite: 18.75, cacheWrite1h: 30, tiers: batch },
  {
    ...LINEUP,
    source: `${LINEUP.source}; cache read cut on 2026-10-07 per releases of claudit 1.9.2 and PromptFuel 1.0.23`,
    model: /^claude-sonnet-5-5/,
    from: "2026-10-07",
    input: 2,
    output: 10,
    cacheRead: 0.1,
    cacheWrite: 2.5,
    cacheWrite1h: 4,
    tiers: batch,
    regions,
  },
  {
    ...LINEUP,
    source: `${LINEUP.source}; cache read before the cut: the standard tenth of input, inferred`,
    model: /^claude-sonnet-5-5/,
    until: "2026-10-07",
    input: 2,
    output: 10,
    cacheRead: 0.2,
    cacheWrite: 2.5,
    cacheWrite1h: 4,
    tiers: batch,
    regions,
  },
  { ...LINEUP, model: /^claude-sonnet-5/, input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5, cacheWrite1h: 4, tiers: batch, regions },
  { ...PAGE, model: /^claude-sonnet-4-6/, input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, cacheWrite1h: 6, tiers: batch, regions },
  {
    ...SONNET_4,
    model: /^claude-sonnet-4-5/,
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    cacheWrite1h: 6,
    tiers: batch,
  },
  {
    ...SONNET_4,
    model: /^claude-sonnet-4-20/,
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    cacheWrite1h: 6,
    tiers: batch,
  },
  {
    ...PAGE,
    model: /^claude-(sonnet-4|3-[57]-sonnet)/,
    input: 3,
    output: 15,
    cacheRead: 0.3,
    cacheWrite: 3.75,
    cacheWrite1h: 6,
    tiers: batch,
  },
  {
    ...LINEUP,
    source: `${LINEUP.source}; cache and long prices per releases of claudit 1.9.2 and PromptFuel 1.0.23`,
    model: /^claude-haiku-5-5/,
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    cacheWrite1h: 0.2,
    long: { above: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625, cacheWrite1h: 1 },
    tiers: batch,
    regions,
  },
  { ...PAGE, model: /^claude-haiku-4-5/, input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2, tiers: batch },
  { ...PAGE, model: /^claude-3-5-haiku/, input: 0.8, output: 4, cacheRead: 0.08, cacheWrite: 1, cacheWrite1h: 1.6, tiers: batch },
  { ...PAGE, model: /^claude-3-haiku/, input: 0.25, output: 1.25, cacheRead: 0.03, cacheWrite: 0.3, cacheWrite1h: 0.5, tiers: batch },
];

/** Before Claude 4.5 a region cost nothing more. */
const OLD = /opus-4\|3-opus|sonnet-4\|3-|sonnet-4-20|3-5-haiku|3-haiku/;
const CLOUDS = {
  "aws.bedrock":
    "clauder-navi.com/en/bedrock-claude-cost and sam.mehdi.consulting: Anthropic's list at the global endpoint, + 10 % in a region",
  "gcp.vertex_ai": "llmenu 0.8.0: Anthropic's list at the global endpoint, typically + 10 % at a regional one",
};

const onClouds = (row: PriceRow): PriceRow[] =>
  Object.entries(CLOUDS).map(([provider, source]): PriceRow => {
    const { regions: _direct, ...rest } = row;
    return { ...rest, provider, source, ...(!OLD.test(row.model.source) && { regions: [{ in: /^(?!global$)/, times: 1.1 }] }) };
  });

export const ANTHROPIC_PRICES: readonly PriceRow[] = [...direct, ...direct.flatMap(onClouds)];
