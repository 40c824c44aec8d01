import { MEMBERS, micros, moment } from "./members.ts";

/** When did each sub-agent begin, by session, or ($6: agent) by the agent that spawned it? $1 to $5: see MEMBERS. */
export const SPAWN_POINTS = `
with ${MEMBERS},
spawned as (
  select members.root, agent.agent_id, min(agent.parent_agent_id) as parent, min(agent.first_time) as at
  from members join signalbox.agents agent using (session_id)
  where agent.parent_agent_id <> agent.agent_id
  group by members.root, agent.agent_id
)
select case $6::text when 'agent' then parent else root end as subject, root as session_id, ${micros("at")} as at, 1 as count, 1 as of
from spawned where at >= ${moment("$2")} and at <= ${moment("$3")}
order by subject, session_id, at`;
