/** Random numbers from a seed: the same seed gives the same numbers, on every machine. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** an integer, both ends included */
  between(low: number, high: number): number;
  pick<T>(values: readonly [T, ...T[]]): T;
  /** a version-4 UUID */
  uuid(): string;
}

/** mulberry32: 32 bits of state are plenty for a play, and it is six lines. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    pick: (values) => values[between(0, values.length - 1)] ?? values[0],
    uuid() {
      const hex = Array.from({ length: 32 }, () => between(0, 15).toString(16)).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${"89ab"[between(0, 3)]}${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
