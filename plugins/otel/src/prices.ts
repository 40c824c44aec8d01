/** What model providers charge per token: the table, the choice of a row, and the arithmetic. */
export { costNanousd, nanousdToUsd, scaled, type TokenPrice, type TokenUsage, usdToNanousd } from "./prices/cost.ts";
export { asOfToday, followPrices, type PriceList, readPrices } from "./prices/follow.ts";
export { findPrice, matchPrice, modelId, type PriceMatch, type PriceQuery } from "./prices/match.ts";
export { type OwnPrice, ownPrices, PRICES_FILE, parseOwnPrices } from "./prices/own.ts";
export type { PriceRow } from "./prices/price-row.ts";
export { PRICES } from "./prices/table.ts";
