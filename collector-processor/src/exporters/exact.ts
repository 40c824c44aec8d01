/** A sum of integers that stays exact beyond 2⁵³: a number while it can, then a bigint. */
export type Sum = number | bigint;

export function add(a: Sum, b: Sum): Sum {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return BigInt(a) + BigInt(b);
}

/** Two texts in the order of their code points, as Postgres' collation "C" has them; UTF-16 order differs beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    let unitA = a.charCodeAt(index);
    let unitB = b.charCodeAt(index);
    if (unitA === unitB) continue;
    // surrogates stand for code points above all others
    if (unitA >= 0xd800 && unitB >= 0xd800) {
      unitA = unitA >= 0xe000 ? unitA - 0x800 : unitA + 0x2000;
      unitB = unitB >= 0xe000 ? unitB - 0x800 : unitB + 0x2000;
    }
    return unitA - unitB;
  }
  return a.length - b.length;
}

/** The first of two texts in that order; null is no text, and loses. */
export function least(a: string | null, b: string | null): string | null {
  if (b === null || a === b) return a;
  return a === null || compareText(b, a) < 0 ? b : a;
}

/** To the next multiple of 1/1024, ties to the even one, as Postgres rounds: such multiples add up exactly, in any order. */
export function roundTo1024th(value: number): number {
  const scaled = value * 1024;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) / 1024;
}
