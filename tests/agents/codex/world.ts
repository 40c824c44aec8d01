import assert from "node:assert/strict";
import { findPrice } from "@signalbox/otel/prices";

export const POOL = "scripted-cloud";
export const MODEL = "gpt-5-codex";
export const TOKEN = "suite-token";
/** The provider charges what our own table says of the model, so that what only Codex saw must come out the same. */
const found = findPrice(MODEL, "openai");
assert.ok(found, `${MODEL} has a price`);
export const PRICES = found;

const models = [MODEL, "qwen3-coder-30b"].map(
  (id, tier) =>
    `      - { id: ${id}, tier: ${tier + 1}, input_usd_per_mtok: ${PRICES.input}, output_usd_per_mtok: ${PRICES.output}, cache_read_usd_per_mtok: ${PRICES.cacheRead ?? PRICES.input}, cache_write_usd_per_mtok: ${PRICES.cacheWrite ?? PRICES.input} }`,
);

/** signalbox.config.yaml for a provider at `url`. */
export const configOf = (url: string) => `
pools:
  - name: ${POOL}
    silicon: cloud
    engine: openai-compatible
    base_url: ${url}/v1
    dialects: [responses]
    models:
${models.join("\n")}
    slots: 32
models:
  house-model: { any_of: [qwen3-coder-30b] }
`;
