import { RANGES, type Range } from "./cost-view.ts";

/** What is asked of the explanation: the whole range up to now, or one bar of its chart. */
export function explainRange(range: Range, at: number | null): { from: string; to: string | undefined } {
  const { from, bucketMs } = RANGES[range];
  if (at === null || Math.abs(at) > 8e15) return { from, to: undefined };
  return { from: new Date(at).toISOString(), to: new Date(at + bucketMs).toISOString() };
}
