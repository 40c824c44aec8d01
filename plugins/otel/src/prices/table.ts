import { ANTHROPIC_PRICES } from "./table-anthropic.ts";
import { OPENAI_PRICES } from "./table-openai.ts";
import { OTHER_PRICES } from "./table-others.ts";

/**
 * Published list prices. A row names where it was read; where sources differ, the row says how, and which was taken. What was not read
 * anywhere is not here: its cost is unknown. Discounts by the hour of day (DeepSeek) are not in it: the higher price is.
 */
export const PRICES = [...ANTHROPIC_PRICES, ...OPENAI_PRICES, ...OTHER_PRICES];
