/** A/B: which of several variants a request belongs to. */

/**
 * The index of the variant, each as likely as its weight says.
 * @param unit 0 to 1; the same unit gives the same variant: take it from a hash of the session to keep a session on one side
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
