/** Random numbers that a seed repeats. */

/** 0 to 1, from whole numbers alone: the same wherever it runs. */
export function hashUnit(index: number, seed: number): number {
  let hash = Math.imul(index ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export function createRandom(seed: number): () => number {
  let index = 0;
  return () => hashUnit(index++, seed);
}
