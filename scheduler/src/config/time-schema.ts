/** A window of time: of the day, of the week. */

import { z } from "zod";

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time like "08:30"');

export const timeWindow = z.strictObject({
  days: z.array(z.enum(WEEKDAYS)).min(1).optional().describe("Days on which the window begins. Default: every day."),
  from: timeOfDay.default("00:00").describe("The first minute of the window."),
  to: timeOfDay.default("24:00").describe("The end of the window; earlier than `from`: it lies on the next day."),
  timezone: z
    .string()
    .refine(isTimezone, 'expected the name of a time zone, like "Europe/Berlin"')
    .default("UTC")
    .describe("IANA name; summer time is followed."),
});

export type TimeWindowConfig = z.infer<typeof timeWindow>;

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
