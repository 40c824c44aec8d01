import type { TokenPrice } from "./cost.ts";

/** One published price, of one model at one provider, while it was in force. */
export interface PriceRow extends TokenPrice {
  /** As `gen_ai.provider.name` has it; `*`: whoever serves the model. */
  provider: string;
  /** Matches the model id as the provider answers it, in lower case, without vendor and region; a dated suffix included. */
  model: RegExp;
  /** ISO dates, UTC: the first day of this price, and the first day on which it is no more. */
  from?: string;
  until?: string;
  /** What a service tier other than the standard one costs: a factor on everything, or prices of its own. A tier that is not here is unknown. */
  tiers?: Readonly<Record<string, number | TokenPrice>>;
  /** Where the call runs, and the factor that costs; the first that matches. Elsewhere 1. */
  regions?: readonly { in: RegExp; times: number }[];
  /** Where the price was read, and where others say otherwise. */
  source: string;
  /** When it was read (ISO date); the copies of the pages that were read are a few days to months older. */
  read: string;
  /** The user's own: it wins over any published one. */
  own?: true;
}
