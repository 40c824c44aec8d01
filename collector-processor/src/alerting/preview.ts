import { z } from "zod";
import type { Connection } from "../exporters/postgres-connection.ts";
import type { AlertingLimits } from "./alerting-config.ts";
import { conditionSchema, KINDS } from "./condition.ts";
import { measure } from "./measure.ts";

const MAX_RANGE_DAYS = 31;
const MOST_SHOWN = 500;
const time = z.iso.datetime({ offset: true });

export const previewSchema = z
  .strictObject({
    condition: conditionSchema,
    for_seconds: z.int().min(0).max(86_400).default(0),
    project: z.string().min(1).max(100).nullable().default(null),
    from: time,
    to: time,
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ["from"], message: "is not before to" })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= MAX_RANGE_DAYS * 86_400_000, {
    path: ["from"],
    message: `is more than ${MAX_RANGE_DAYS} days before to`,
  });

export interface Preview {
  /** Why there is nothing to look at; null: there is. */
  unavailable: string | null;
  /** How often it would have fired. */
  count: number;
  /** The latest of them, in order of time. */
  alerts: { subject: string; session_id: string | null; started_at: string; ended_at: string | null; value: number }[];
}

/**
 * When would a rule have fired from `from` to `to`, had everything that is stored arrived at once? The very measure that the live rules
 * are evaluated by.
 */
export async function preview(connection: Connection, ask: z.infer<typeof previewSchema>, limits: AlertingLimits): Promise<Preview> {
  const { condition, project, for_seconds } = ask;
  if (KINDS[condition.kind].live) {
    return { unavailable: "Only the scheduler knows this, as it is now: there is no history to look at.", count: 0, alerts: [] };
  }
  const [from, to] = [Date.parse(ask.from) * 1000, Date.parse(ask.to) * 1000];
  const episodes = await measure(connection, condition, {
    project,
    sessions: null,
    from,
    to,
    now: to,
    forSeconds: for_seconds,
    resolveSeconds: limits.resolve_seconds,
  });
  const begun = episodes.filter(({ start }) => start >= from).sort((a, b) => a.start - b.start);
  const alerts = begun.slice(-MOST_SHOWN).map(({ subject, sessionId, start, end, peak }) => {
    return { subject, session_id: sessionId, started_at: rfc3339(start), ended_at: end === null ? null : rfc3339(end), value: peak };
  });
  return { unavailable: null, count: begun.length, alerts };
}

const rfc3339 = (micros: number): string => new Date(micros / 1000).toISOString();
