import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Sql } from "../server/database.ts";

export interface StepContentRow {
  span_id: string;
  /** 0: the span's own messages; 1, 2: of the decision and the agent's call above an attempt. */
  distance: number;
  direction: "system" | "input" | "output";
  /** All messages of that direction; `bodies` are the last of them. */
  total: number;
  bodies: unknown[];
}

export interface ToolContentRow {
  span_id: string;
  arguments: string | null;
  result: string | null;
}

export interface ContentWindow {
  spanIds: readonly string[];
  /** Start times of the first and the last of these spans, RFC 3339: only the session's rows of about then are read. */
  from: string;
  to: string;
}

/** An agent sends its whole conversation with each call: what is new in it are the last messages. */
const LAST_MESSAGES = 6;
/** How much earlier than an attempt the agent's own span of the call may have begun. */
const BEFORE = "10 minutes";

/** The messages of some spans: a routed call's are with the agent's own span of it, one or two levels up. */
export function listStepContent(sql: Sql, members: string[], { spanIds, from, to }: ContentWindow): Promise<StepContentRow[]> {
  return sql<StepContentRow[]>`
    with near as materialized (
      select session_id, start_time, span_id, parent_span_id, attempt from spans
      where session_id = any(${members}) and start_time between ${from}::timestamptz - ${BEFORE}::interval and ${to}::timestamptz
        and (encode(span_id, 'hex') = any(${[...spanIds]}) or operation in (${Operation.chat}, ${Operation.embeddings}, ${Operation.schedule}))
    ),
    step as (select * from near where encode(span_id, 'hex') = any(${[...spanIds]})),
    above as (
      select step.span_id as step, near.* from step join near on near.span_id = step.parent_span_id where step.attempt is not null
    ),
    chain as (
      select span_id as step, 0 as distance, session_id, start_time, span_id from step
      union all select step, 1, session_id, start_time, span_id from above
      union all select above.step, 2, near.session_id, near.start_time, near.span_id from above join near on near.span_id = above.parent_span_id
    )
    select encode(chain.step, 'hex') as span_id, chain.distance, said.direction, cardinality(said.hashes) as total,
      array(select m.body from unnest(said.hashes[greatest(1, cardinality(said.hashes) - ${LAST_MESSAGES - 1}):]) with ordinality as wanted(hash, place)
        join messages m on m.session_id = said.session_id and m.hash = wanted.hash order by wanted.place) as bodies
    from chain join span_messages said using (session_id, start_time, span_id)
    order by chain.step, chain.distance`;
}

/** What tools were given and gave, where their spans say it. */
export function listToolContent(sql: Sql, members: string[], { spanIds, from, to }: ContentWindow): Promise<ToolContentRow[]> {
  return sql<ToolContentRow[]>`
    select encode(span_id, 'hex') as span_id, attributes->>${Attribute.toolArguments} as arguments, attributes->>${Attribute.toolResult} as result
    from spans
    where session_id = any(${members}) and start_time between ${from}::timestamptz and ${to}::timestamptz and encode(span_id, 'hex') = any(${[...spanIds]})
      and operation = ${Operation.executeTool}`;
}
