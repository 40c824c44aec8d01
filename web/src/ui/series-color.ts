import { siliconLook } from "./silicon.ts";

export interface Coloured {
  color: string;
  /** Drawn over the colour, so that two series of one silicon differ without it. */
  pattern: "solid" | "stripe" | "dot" | "grid";
  dash: string | undefined;
}

const PATTERNS = ["solid", "stripe", "dot", "grid"] as const;
const DASHES = [undefined, "6 3", "2 3", "8 3 2 3"];
/** For groups that are not on one silicon: ink in steps, so that silicon colours keep their meaning. */
const INKS = [88, 66, 50, 38, 28, 21, 15, 11];

/** One look a series: the silicon's colour where it has one, patterns apart where several share it; else steps of ink. */
export function seriesLooks(series: readonly { silicon: string | null | undefined; isRest: boolean }[]): Coloured[] {
  const used = new Map<string, number>();
  let inks = 0;
  return series.map(({ silicon, isRest }) => {
    if (isRest) return { color: "var(--line-strong)", pattern: "solid", dash: undefined };
    if (silicon === undefined) {
      const share = INKS[inks++ % INKS.length];
      return {
        color: `color-mix(in oklab, var(--ink) ${share}%, var(--surface))`,
        pattern: "solid",
        dash: DASHES[(inks - 1) % DASHES.length],
      };
    }
    const { color } = siliconLook(silicon);
    const index = used.get(color) ?? 0;
    used.set(color, index + 1);
    return { color, pattern: PATTERNS[index % PATTERNS.length] ?? "solid", dash: DASHES[index % DASHES.length] };
  });
}
