const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en-US");
const decimals = new Map<string, Intl.NumberFormat>();

/** "1,284.5": with at least `least` and at most `most` decimals. Each format is made once: to make one takes longer than to draw a row. */
export function formatDecimals(value: number, most: number, least = 0): string {
  const key = `${least} ${most}`;
  let format = decimals.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
    decimals.set(key, format);
  }
  return format.format(value);
}

/** "1,284" */
export const formatCount = (value: number | bigint) => whole.format(value);

/** "1.3M"; whole below ten thousand. */
export const formatCompact = (value: number) => (Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value));

/** "86 %", "0.4 %", "<0.1 %" */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  if (percent !== 0 && Math.abs(percent) < 0.1) return "<0.1 %";
  return `${formatDecimals(percent, Math.abs(percent) < 10 ? 1 : 0)} %`;
}

export const plural = (count: number, one: string, many = `${one}s`) => `${formatCount(count)} ${count === 1 ? one : many}`;
