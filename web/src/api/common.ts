import { COST_SOURCES, SILICONS } from "@signalbox/otel/conventions";
import { z } from "zod";

/** Field types that several resources share. What they say here is what openapi.json says. */

export const Time = z.string().meta({ format: "date-time", description: "RFC 3339, UTC, with nanoseconds" });
export const Nanousd = z.string().meta({ pattern: "^-?[0-9]+$", description: "integer nano-USD" });
export const NullableNanousd = Nanousd.nullable().meta({ description: "integer nano-USD; null: unknown" });
export const NullableUsd = z.number().nullable().meta({ description: "the same amount in USD; null: unknown" });
export const Count = z.int().min(0);
export const Hex = z.string().meta({ pattern: "^[0-9a-f]+$", description: "lower-case hex" });
export const NullableText = z.string().nullable();
/** What an emitter said; the four known ones have a colour, any other is shown as it is. */
export const Silicon = z
  .string()
  .nullable()
  .meta({ description: `one of ${SILICONS.join(", ")}` });
export const CostSource = z.enum(COST_SOURCES).nullable();

export const Tokens = {
  input_tokens: Count.meta({ description: "includes cached tokens" }),
  cache_read_tokens: Count,
  cache_write_tokens: Count,
  output_tokens: Count.meta({ description: "includes reasoning tokens" }),
  reasoning_tokens: Count,
};

/** What a set of calls cost. */
export const CostFields = {
  cost_nanousd: NullableNanousd.meta({ description: "integer nano-USD of the calls whose cost is known; null: none is" }),
  cost_usd: NullableUsd,
  unknown_cost_calls: Count.meta({ description: "calls whose cost is unknown: above 0 the cost is a lower bound" }),
  baseline_nanousd: Nanousd.meta({ description: "the same calls on the single-vendor baseline model, where one was computed" }),
  baseline_usd: z.number(),
};

/** The part of a set's cost that has a baseline to stand against: what savings are computed from. */
export const ComparableCost = {
  comparable_cost_nanousd: Nanousd.meta({ description: "cost of the calls that have both a known cost and a baseline" }),
  comparable_baseline_nanousd: Nanousd.meta({ description: "baseline of those same calls" }),
};

export const page = <T extends z.ZodType>(row: T) =>
  z.object({
    data: z.array(row),
    next: z.string().nullable().meta({ description: "pass as `cursor` for the next page; null: this was the last" }),
  });

export const limitParameter = (standard: number, most: number) => z.coerce.number().int().min(1).max(most).default(standard);
export const CursorParameter = z.string().max(1000).optional().meta({ description: "`next` of the page before" });

export const TimeParameter = z
  .string()
  .regex(/^(today|-\d{1,4}[mhd]|\d{4}-\d{2}-\d{2}T.+)$/, "must be an RFC 3339 time, a span back from now such as -24h, or today")
  .refine((text) => !/^\d/.test(text) || !Number.isNaN(Date.parse(text)), "is not a time");
