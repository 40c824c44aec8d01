import type { PriceRow } from "./price-row.ts";

const read = "2026-11-21";
// where the provider's own page was not at hand, the table that was read
const COPILOT = "not the provider's page: github/docs data/tables/copilot/models-and-pricing.yml";
const LITELLM = "not the provider's page: LiteLLM model_prices_and_context_window.json of 2026-07-24";
const GOOGLE = { provider: "gcp.gemini", source: LITELLM, read };
const GOOGLE_TABLES = { ...GOOGLE, source: COPILOT };
const DEEPSEEK = {
  provider: "deepseek",
  source: "https://api-docs.deepseek.com/quick_start/pricing (peak hours; half of it off-peak)",
  read,
};
const ZAI = {
  provider: "zai",
  source: "not the provider's page: dev.to/owen_fox and Codeep 2.20.0, which cite it; OpenRouter sells it for less",
  read,
};
const MISTRAL = {
  provider: "mistral_ai",
  source: "not the provider's page: developer.puter.com/tutorials/mistral-api-pricing (2026-06)",
  read,
};

/** Google takes half for batches; cached tokens keep their price there (the two discounts do not add up). */
const geminiBatch = ({ input, output, cacheRead }: { input: number; output: number; cacheRead: number }) => ({
  batch: { input: input / 2, output: output / 2, cacheRead },
});
const gemini = (from: typeof GOOGLE, model: RegExp, price: { input: number; output: number; cacheRead: number }): PriceRow => ({
  ...from,
  model,
  ...price,
  tiers: geminiBatch(price),
});

export const OTHER_PRICES: readonly PriceRow[] = [
  gemini(GOOGLE_TABLES, /^gemini-3\.[67]-flash(-preview)?$/, { input: 0.75, output: 3.75, cacheRead: 0.075 }),
  gemini(GOOGLE_TABLES, /^gemini-3\.5-flash(-preview)?$/, { input: 1.5, output: 9, cacheRead: 0.15 }),
  gemini(GOOGLE, /^gemini-3-flash/, { input: 0.5, output: 3, cacheRead: 0.05 }),
  {
    ...GOOGLE,
    model: /^gemini-3(\.1)?-pro(-preview.*)?$/,
    input: 2,
    output: 12,
    cacheRead: 0.2,
    long: { above: 200_000, input: 4, output: 18, cacheRead: 0.4 },
  },
  gemini(GOOGLE, /^gemini-2\.5-flash-lite/, { input: 0.1, output: 0.4, cacheRead: 0.01 }),
  gemini(GOOGLE, /^gemini-2\.5-flash(-preview.*)?$/, { input: 0.3, output: 2.5, cacheRead: 0.03 }),
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
    provider: "x_ai",
    source: COPILOT,
    read,
    model: /^grok-4\.[56]/,
    input: 2,
    output: 6,
    cacheRead: 0.5,
    long: { above: 200_000, input: 4, output: 12, cacheRead: 1 },
  },
  { provider: "moonshot_ai", source: COPILOT, read, model: /^kimi-k3/, input: 3, output: 15, cacheRead: 0.3 },
  { ...ZAI, model: /^glm-5\.[123]$/, input: 1.4, output: 4.4, cacheRead: 0.26 },
  { ...ZAI, source: "not the provider's page: getmaxim.ai's model library; no cache price read", model: /^glm-5$/, input: 1, output: 3.2 },
  {
    ...ZAI,
    source: "not the provider's page: ccusage commit 72e2372, which cites docs.z.ai/guides/overview/pricing",
    model: /^glm-4\.6$/,
    input: 0.6,
    output: 2.2,
    cacheRead: 0.11,
  },
  { ...MISTRAL, model: /^mistral-medium-3\.5/, input: 1.5, output: 7.5, tiers: { batch: 0.5 } },
  { ...MISTRAL, model: /^(mistral-medium-(3|2505|2508)|devstral-(2|medium))/, input: 0.4, output: 2, tiers: { batch: 0.5 } },
  {
    ...MISTRAL,
    source: `${MISTRAL.source} and margindash.com; tokenmix.ai (2026-04) and devtk.ai (2026-02) say 2 and 6`,
    model: /^mistral-large-(3|2512)/,
    input: 0.5,
    output: 1.5,
    tiers: { batch: 0.5 },
  },
  { ...MISTRAL, model: /^(mistral-small-(3|4)|devstral-small)/, input: 0.1, output: 0.3, tiers: { batch: 0.5 } },
  { ...MISTRAL, model: /^codestral/, input: 0.3, output: 0.9, tiers: { batch: 0.5 } },
];
