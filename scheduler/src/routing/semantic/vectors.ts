/** Vectors of length 1: their dot product is the cosine of the angle between them. */
export type Vector = Float32Array;

export function unit(values: readonly number[]): Vector {
  const length = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / length);
}

/** −1 … 1; 0 where they are of unlike size, as vectors of two models are. */
export function cosine(a: Vector, b: Vector): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
