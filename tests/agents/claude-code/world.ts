import assert from "node:assert/strict";
import { findPrice } from "@signalbox/otel/prices";
import type { Stack } from "../stack.ts";
import { type ClaudeMachine, MODEL } from "./cli.ts";

export const POOL = "scripted-cloud";
export const TOKEN = "suite-token";
/** The provider charges what our own table says of the model, so that what only Claude Code saw must come out the same. */
const found = findPrice(MODEL, "anthropic");
assert.ok(found, `${MODEL} has a price`);
export const PRICES = found;

export const priceOf = (id: string, tier = 2) =>
  `{ id: "${id}", tier: ${tier}, input_usd_per_mtok: ${PRICES.input}, output_usd_per_mtok: ${PRICES.output}, ` +
  `cache_read_usd_per_mtok: ${PRICES.cacheRead}, cache_write_usd_per_mtok: ${PRICES.cacheWrite}, cache_write_1h_usd_per_mtok: ${PRICES.cacheWrite1h} }`;

/** What every check of the suite works with. */
export interface ClaudeSuite {
  bin: string;
  stack: Stack;
  machine: ClaudeMachine;
  register(observeOnly?: boolean): Promise<void>;
  unregister(): Promise<void>;
}
