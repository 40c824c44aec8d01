import { Attribute } from "@signalbox/otel/conventions";
import { MEMBERS, micros, moment } from "./members.ts";

/**
 * When was a tool called, by session, tool and arguments? Arguments are an attribute, or in the content; calls whose arguments are not
 * known are left out, for nobody can say that they are alike. $1 to $5: see MEMBERS.
 */
export const LOOP_POINTS = `
with ${MEMBERS},
called as (
  select members.root, span.tool_name, span.start_time, md5(coalesce(
    span.attributes->>'${Attribute.toolArguments}',
    (
      select string_agg(part->>'arguments', ' ')
      from signalbox.span_messages content
      join signalbox.messages message on message.session_id = content.session_id and message.hash = any(content.hashes)
      cross join lateral jsonb_array_elements(case jsonb_typeof(message.body->'parts') when 'array' then message.body->'parts' end) part
      where content.session_id = span.session_id and content.start_time = span.start_time and content.span_id = span.span_id
        and content.direction = 'input' and part->>'type' = 'tool_call'
    )
  )) as arguments
  from members join signalbox.spans span using (session_id)
  where span.operation = 'execute_tool' and span.tool_name is not null
    and span.start_time >= ${moment("$2")} and span.start_time <= ${moment("$3")}
)
select root || ' ' || tool_name || ' ' || left(arguments, 8) as subject, root as session_id, ${micros("start_time")} as at, 1 as count, 1 as of
from called where arguments is not null
order by subject, session_id, at`;
