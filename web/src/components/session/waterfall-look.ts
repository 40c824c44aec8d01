/** What the rows of the waterfall and the axis above them have in common. */

export const ROW_HEIGHT = 30;
export const WATERFALL_COLUMNS =
  "grid grid-cols-[minmax(0,3fr)_minmax(0,2fr)_72px] gap-x-3 px-4 md:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_84px]";

/** The parts of a model call, in order. */
export const CALL_PARTS = [
  { name: "queue", opacity: 0.28 },
  { name: "prefill", opacity: 0.58 },
  { name: "decode", opacity: 1 },
] as const;
export const SEGMENT_OPACITY: Record<string, number> = {
  ...Object.fromEntries(CALL_PARTS.map(({ name, opacity }) => [name, opacity])),
  rest: 0.14,
};
