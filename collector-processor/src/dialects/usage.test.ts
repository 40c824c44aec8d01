import { describe, expect, it } from "vitest";
import { attributeSpan, storedIds } from "../processors/attribute.ts";
import { priceSpan } from "../processors/price.ts";
import type { CacheMode } from "../span-batch.ts";
import { emptyDraft } from "../span-batch.ts";
import { type EmittedUsage, setUsage } from "./usage.ts";

const SONNET = "claude-sonnet-4-6"; // 3 and 15; cache read 0.30, write 3.75, for an hour 6
const GPT = "gpt-5"; // 1.25 and 10; cache read 0.125

/** Emitted usage → the whole input, and the cost in nano-USD, worked by hand in the comment. */
const CASES: [what: string, model: string, mode: CacheMode, usage: EmittedUsage, input: number, nanousd: number][] = [
  // 1,000 x 3,000 + 10 x 15,000
  ["no cache, subtract", SONNET, "subtract", { input: 1_000, output: 10 }, 1_000, 3_150_000],
  ["no cache, additive", SONNET, "additive", { input: 1_000, output: 10 }, 1_000, 3_150_000],
  ["no cache, unknown", SONNET, "unknown", { input: 1_000, output: 10 }, 1_000, 3_150_000],
  // 100 x 3,000 + 900 x 300
  ["read within the input", SONNET, "subtract", { input: 1_000, output: 0, cacheRead: 900 }, 1_000, 570_000],
  // 1,000 x 3,000 + 900 x 300
  ["read beside the input", SONNET, "additive", { input: 1_000, output: 0, cacheRead: 900 }, 1_900, 3_270_000],
  // cannot tell, and it fits: as the conventions say
  ["read that fits, unknown", SONNET, "unknown", { input: 1_000, output: 0, cacheRead: 900 }, 1_000, 570_000],
  // 10 x 3,000 + 900 x 300
  ["read that does not fit, unknown", SONNET, "unknown", { input: 10, output: 0, cacheRead: 900 }, 910, 300_000],
  // all of it was read: 900 x 300
  ["all read, unknown", SONNET, "unknown", { input: 900, output: 0, cacheRead: 900 }, 900, 270_000],
  // 90 x 3,750, then 50 x 3,750 + 40 x 6,000
  ["write for five minutes", SONNET, "additive", { input: 0, output: 0, cacheWrite: 90 }, 90, 337_500],
  ["write, 40 of 90 for an hour", SONNET, "additive", { input: 0, output: 0, cacheWrite: 90, cacheWrite1h: 40 }, 90, 427_500],
  ["write, all for an hour", SONNET, "subtract", { input: 90, output: 0, cacheWrite: 90, cacheWrite1h: 90 }, 90, 540_000],
  // an hour's part that is larger than the whole is the whole
  ["write, more for an hour than written", SONNET, "subtract", { input: 90, output: 0, cacheWrite: 90, cacheWrite1h: 900 }, 90, 540_000],
  // langfuse #12306: 5 fresh, 128,955 read, 1,253 written, added up by the emitter: 15,000 + 38,686,500 + 4,698,750
  [
    "an Anthropic call, added up",
    SONNET,
    "unknown",
    { input: 130_213, output: 0, cacheRead: 128_955, cacheWrite: 1_253 },
    130_213,
    43_400_250,
  ],
  // the same call, raw
  ["an Anthropic call, raw", SONNET, "additive", { input: 5, output: 0, cacheRead: 128_955, cacheWrite: 1_253 }, 130_213, 43_400_250],
  [
    "an Anthropic call, raw, unknown",
    SONNET,
    "unknown",
    { input: 5, output: 0, cacheRead: 128_955, cacheWrite: 1_253 },
    130_213,
    43_400_250,
  ],
  // langfuse #10592: 17,903 of which 17,817 cached: 86 x 1,250 + 17,817 x 125 = 107,500 + 2,227,125
  ["an OpenAI call with a cache", GPT, "subtract", { input: 17_903, output: 0, cacheRead: 17_817 }, 17_903, 2_334_625],
  // openinference #3610: 3 x 3,000 + 17,024 x 300 + 4 x 15,000
  ["a wrapper that undercounts", SONNET, "unknown", { input: 3, output: 4, cacheRead: 17_024 }, 17_027, 5_176_200],
  // reasoning is part of the output and costs nothing beside it: 8 x 1,250 + 100 x 10,000
  ["reasoning", GPT, "subtract", { input: 8, output: 100, reasoning: 64 }, 8, 1_010_000],
];

describe("usage by cache mode", () => {
  it.each(CASES)("%s", (_what, model, mode, usage, input, nanousd) => {
    const draft = emptyDraft();
    Object.assign(draft.row, { operation: "chat", request_model: model });
    draft.cacheMode = mode;
    setUsage(draft, usage);
    attributeSpan(draft, storedIds("default"));
    priceSpan(draft, { baseline: { input: 5, output: 25 } });
    expect([draft.row.input_tokens, draft.row.cost_nusd]).toEqual([input, nanousd]);
  });

  it("takes no count that is not one", () => {
    const draft = emptyDraft();
    setUsage(draft, { input: -1, output: 1.5, cacheRead: 1e12, cacheWrite: Number.NaN });
    const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = draft.row;
    expect([input_tokens, output_tokens, cache_read_tokens, cache_write_tokens]).toEqual([null, null, null, null]);
  });
});
