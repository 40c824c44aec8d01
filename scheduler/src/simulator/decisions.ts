/** Real decisions of the last days, to be played again under another policy. */

import { SLA_CLASSES, type SlaClass } from "@signalbox/otel/conventions";
import postgres from "postgres";
import type { Arrival } from "./trace.ts";

export interface PastDecision {
  arrival: Arrival;
  /** When it came, milliseconds since the epoch. */
  epochMs: number;
  task: string | undefined;
  /** nano-USD of all attempts; undefined: unknown of at least one. */
  costNanousd: number | undefined;
  /** Undefined where it was not recorded. */
  slaMet: boolean | undefined;
}

interface Row {
  at_ms: number;
  session_id: string;
  sla_class: string | null;
  sla_met: boolean | null;
  task: string | null;
  min_tier: number | null;
  input_tokens: string | null;
  output_tokens: string | null;
  cost_nusd: string | null;
  unknown_costs: string;
}

/** @throws Error where it is not `last-<number>h` or `last-<number>d` */
export function parseWindow(text: string): { hours: number } {
  const [, count, unit] = /^last-(\d{1,4})([hd])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) throw new Error(`--from-decisions is "${text}"; expected last-24h, last-7d or the like`);
  return { hours: Number(count) * (unit === "d" ? 24 : 1) };
}

/**
 * The newest `most` of the window, oldest first. Decisions that produced no tokens (refused, failed) are left out: nothing says how long
 * they would have been.
 */
export async function readDecisions(
  databaseUrl: string,
  { hours, most = Infinity }: { hours: number; most?: number },
  now = new Date(),
): Promise<PastDecision[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const from = new Date(now.getTime() - hours * 3_600_000);
    const rows = await sql<Row[]>`
      select extract(epoch from decision.start_time)::float8 * 1000 as at_ms,
             decision.session_id, decision.sla_class, decision.sla_met, decision.task,
             (decision.attributes ->> 'signalbox.tier.requested')::int as min_tier,
             attempts.input_tokens, attempts.output_tokens, attempts.cost_nusd, attempts.unknown_costs
      from (
        select * from signalbox.spans
        where operation = 'schedule' and start_time >= ${from} and start_time <= ${now}
        order by start_time desc limit ${Number.isFinite(most) ? most : null}
      ) as decision
      cross join lateral (
        select (array_agg(input_tokens order by attempt desc))[1] as input_tokens,
               (array_agg(output_tokens order by attempt desc))[1] as output_tokens,
               sum(cost_nusd) as cost_nusd,
               count(*) filter (where cost_nusd is null) as unknown_costs
        from signalbox.spans as attempt
        where attempt.session_id = decision.session_id
          and attempt.parent_span_id = decision.span_id
          and attempt.start_time >= ${from} and attempt.start_time <= ${now}
          and attempt.is_call
      ) as attempts
      order by decision.start_time`;
    const first = rows[0]?.at_ms ?? 0;
    return rows.flatMap((row) => {
      const promptTokens = Number(row.input_tokens);
      const outputTokens = Number(row.output_tokens);
      if (!(promptTokens > 0) || !(outputTokens > 0)) return [];
      return {
        arrival: {
          ...{ atMs: row.at_ms - first, promptTokens, outputTokens, slaClass: toClass(row.sla_class), minTier: row.min_tier ?? 0 },
          session: row.session_id,
        },
        epochMs: row.at_ms,
        task: row.task ?? undefined,
        costNanousd: row.cost_nusd === null || Number(row.unknown_costs) > 0 ? undefined : Number(row.cost_nusd),
        slaMet: row.sla_met ?? undefined,
      };
    });
  } finally {
    await sql.end();
  }
}

const toClass = (name: string | null): SlaClass => SLA_CLASSES.find((known) => known === name) ?? "standard";
