import { formatDecimals } from "./numbers.ts";

/** Money is integer nano-USD, as strings on the wire and bigint in sums. Null means unknown, and is never shown as 0. */

export const NANO = 1_000_000_000n;

export interface Amount {
  /** Integer nano-USD; null: unknown. */
  nanousd: string | null;
  /** Calls of this sum whose cost is not known: above 0 the amount is a lower bound. */
  unknownCalls?: number;
}

/** "$12.40", "$0.0008", "unknown", "≥ $0.42". Below a dollar, at least two significant digits are kept. */
export function formatMoney({ nanousd, unknownCalls = 0 }: Amount): string {
  if (nanousd === null) return "unknown";
  const text = formatUsd(toUsd(nanousd));
  return unknownCalls > 0 ? `≥ ${text}` : text;
}

export const toUsd = (nanousd: string | bigint): number => Number(nanousd) / 1e9;

export function formatUsd(usd: number): string {
  const absolute = Math.abs(usd);
  const sign = usd < 0 ? "−" : "";
  if (absolute === 0) return "$0.00";
  const digits = fractionDigits(absolute);
  return `${sign}$${formatDecimals(absolute, digits, digits)}`;
}

function fractionDigits(absolute: number): number {
  if (absolute >= 1) return 2;
  // two significant digits of what is shown: 0.042 -> 3 decimals, 0.00081 -> 5, 0.000997 as 0.0010 -> 4; zeros stay, so that columns line up
  return Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(Number(absolute.toPrecision(2))))));
}

const twoDigits = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 });

/** For axes: few characters, "$1.2k", "$0.004". */
export function formatUsdShort(usd: number): string {
  if (usd === 0) return "$0";
  if (Math.abs(usd) >= 1000) return `$${formatDecimals(usd / 1000, 1)}k`;
  return `$${twoDigits.format(usd)}`;
}

/** The sum of known amounts and how many were unknown. */
export function sumMoney(amounts: Iterable<string | null>): { nanousd: bigint; unknown: number } {
  let nanousd = 0n;
  let unknown = 0;
  for (const amount of amounts) {
    if (amount === null) unknown++;
    else nanousd += BigInt(amount);
  }
  return { nanousd, unknown };
}

export interface Saving {
  /** What the single vendor would have charged beyond what was paid; negative where routing cost more. */
  nanousd: bigint;
  /** Of the baseline, 0..1; null where there is no baseline to compare with. */
  fraction: number | null;
}

/** Compares like with like: `comparableNanousd` is the cost of just those calls that have both a cost and a baseline. */
export function saving(baselineNanousd: string, comparableNanousd: string): Saving {
  const baseline = BigInt(baselineNanousd);
  const nanousd = baseline - BigInt(comparableNanousd);
  return { nanousd, fraction: baseline > 0n ? Number(nanousd) / Number(baseline) : null };
}
