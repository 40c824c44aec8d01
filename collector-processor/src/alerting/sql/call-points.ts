import { MEMBERS, micros, moment } from "./members.ts";

export type CallMeasure = "spend_rate" | "error_rate" | "sla_missed";
export type CallsBy = "all" | "route" | "pool" | "session" | "agent";

const COUNTED: Record<CallMeasure, { count: string; of: string }> = {
  spend_rate: { count: "sum(span.cost_nusd)", of: "count(*)" },
  error_rate: { count: "count(*) filter (where span.status = 2)", of: "count(*)" },
  sla_missed: { count: "count(*) filter (where not span.sla_met)", of: "count(span.sla_met)" },
};
const SUBJECT: Record<CallsBy, string> = {
  all: "'all'",
  route: "coalesce(span.route, '')",
  pool: "coalesce(span.pool, '')",
  session: "members.root",
  agent: "span.agent_id",
};

function statement({ count, of }: { count: string; of: string }, by: CallsBy): string {
  const isOfSession = by === "session" || by === "agent";
  return `
with ${MEMBERS}
select ${SUBJECT[by]} as subject, ${isOfSession ? "members.root" : "null::text"} as session_id,
  ${micros(`date_bin($6::bigint * interval '1 microsecond', span.start_time, timestamptz 'epoch')`)} as at,
  coalesce(${count}, 0)::bigint as count, ${of}::bigint as of
from members join signalbox.spans span using (session_id)
where span.is_call and span.start_time >= ${moment("$2")} and span.start_time <= ${moment("$3")}
group by 1, 2, 3 order by 1, 2, 3`;
}

/** What did calls cost, and how many failed or missed their SLA, by step of $6 microseconds? $1 to $5: see MEMBERS. */
export const CALL_POINTS = Object.fromEntries(
  Object.entries(COUNTED).map(([measure, counted]) => [
    measure,
    Object.fromEntries(Object.keys(SUBJECT).map((by) => [by, statement(counted, by as CallsBy)])),
  ]),
) as Record<CallMeasure, Record<CallsBy, string>>;
