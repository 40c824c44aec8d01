const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en-US");

/** "1,284" */
export const formatCount = (value: number) => whole.format(value);

/** "1.3M"; whole below ten thousand. */
export const formatCompact = (value: number) => (Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value));

/** "86 %", "0.4 %", "<0.1 %" */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  if (percent !== 0 && Math.abs(percent) < 0.1) return "<0.1 %";
  return `${percent.toLocaleString("en-US", { maximumFractionDigits: Math.abs(percent) < 10 ? 1 : 0 })} %`;
}

export const plural = (count: number, one: string, many = `${one}s`) => `${formatCount(count)} ${count === 1 ? one : many}`;
