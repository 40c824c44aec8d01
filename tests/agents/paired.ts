/** How much one kind of turn takes longer than another, in seconds. */
export interface Difference {
  median: number;
  /** The true median lies between these two with 95 %, whatever the differences' distribution. */
  low: number;
  high: number;
}

/** Of the turns of each pair, by order statistics. Throws where there are fewer than six pairs: they cannot say it with 95 %. */
export function pairedDifference(these: readonly number[], those: readonly number[]): Difference {
  const sorted = these.map((value, pair) => value - (those[pair] ?? Number.NaN)).toSorted((a, b) => a - b);
  const count = sorted.length;
  if (count < 6) throw new Error(`${count} pairs are too few for 95 %`);
  // as many of the smallest and of the largest are left out as fair coins would fall so one-sidedly at most once in twenty times
  let left = 0;
  for (let outside = 0, chance = 0.5 ** count; 2 * (outside + chance) <= 0.05; left++) {
    outside += chance;
    chance *= (count - left) / (left + 1);
  }
  return { median: median(sorted), low: sorted[left - 1] ?? Number.NaN, high: sorted[count - left] ?? Number.NaN };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** `+33 ms (+27 to +41)` */
export const inMilliseconds = ({ median, low, high }: Difference): string => `${signed(median)} ms (${signed(low)} to ${signed(high)})`;

function signed(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  return ms > 0 ? `+${ms}` : `${ms}`;
}
