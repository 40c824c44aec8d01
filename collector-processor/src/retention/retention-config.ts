import { z } from "zod";

const MAX_DAYS = 36_500;
const days = z.int().min(1).max(MAX_DAYS);
const limit = z.union([days, z.literal("forever")], `must be days, 1 to ${MAX_DAYS}, or forever`);

/** `collector.retention` of signalbox.config.yaml. A day is 24 hours; spans go by whole days, UTC. */
export const retentionSchema = z
  .strictObject({
    /** How long prompts and results are kept; never longer than their spans. Bodies of calls have `collector.payload_days`. */
    content_days: limit.default("forever"),
    span_days: limit.default("forever"),
    /** Hourly totals; sessions and agents stay as long as these or their spans. */
    rollup_days: limit.default("forever"),
    /** Totals by minute, which answer short ranges; where there are none, the calls themselves do. In hours, and never longer than totals by hour. */
    minute_hours: z.int().min(1).max(168).default(26),
    /** Projects that differ, by name. */
    projects: z
      .record(
        z.string().min(1),
        z.strictObject({
          content_days: limit.optional(),
          payload_days: limit.optional(),
          span_days: limit.optional(),
          rollup_days: limit.optional(),
        }),
      )
      .default({}),
    /** The hour of the day, UTC, at which what is too old goes. What is a day overdue goes at any hour: this machine may sleep by night. */
    hour: z.int().min(0).max(23).default(3),
    /** Spans are written to this folder, as Parquet, before they go. */
    archive_dir: z.string().min(1).optional(),
  })
  .prefault({});

export type RetentionSettings = z.infer<typeof retentionSchema> & { payload_days: z.infer<typeof days> };
