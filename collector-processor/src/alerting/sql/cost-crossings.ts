import { IMPORT_SERVICE } from "@signalbox/otel/conventions";
import { MEMBERS, micros } from "./members.ts";

/**
 * When did a session's cost first exceed $6 nano-USD? One row a session that has; calls count in the order of their start. `count` is
 * what it has cost by now. History that was imported crosses nothing: it would be news of long ago. $1 to $5: see MEMBERS.
 */
export const COST_CROSSINGS = `
with ${MEMBERS},
costly as materialized (
  select members.root, sum(session.cost_nusd) as total
  from members join signalbox.sessions session using (session_id)
  group by members.root having sum(session.cost_nusd) > $6::bigint
),
running as (
  select costly.root, costly.total, span.start_time,
    sum(span.cost_nusd) over (partition by costly.root order by span.start_time, span.span_id) as spent
  from costly join members using (root) join signalbox.spans span using (session_id)
  where span.is_call and span.cost_nusd > 0 and span.service_name is distinct from '${IMPORT_SERVICE}'
)
select root as subject, root as session_id, ${micros("min(start_time)")} as at, min(total)::bigint as count, 0 as of
from running where spent > $6::bigint
group by root order by root`;
