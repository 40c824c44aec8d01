/** A/B: which of several variants a request belongs to. */

/**
 * The index of the variant, each as likely as its weight says.
 * @param unit 0 to 1; the same unit gives the same variant: see `unitOf`
 * @returns 0 where no weight is above 0
 */
export function variantOf(weights: readonly number[], unit: number): number {
  let left = unit * weights.reduce((sum, weight) => sum + Math.max(0, weight), 0);
  const index = weights.findIndex((weight) => {
    left -= Math.max(0, weight);
    return left < 0;
  });
  return Math.max(0, index);
}

/** 0 to 1, evenly spread and the same for the same text: keeps a session on one side. FNV-1a, then murmur's last mix, as FNV alone leaves like ids close. */
export function unitOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
