/** The largest count that is believed, of a call's tokens: ten times the longest contexts. */
export const MAX_TOKEN_COUNT = 99_999_999;

/** A count as an engine says it: undefined for what is none, below zero, a fraction, or beyond belief. Books and predictions are made of it. */
export const tokenCount = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN_COUNT ? value : undefined;
