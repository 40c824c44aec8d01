-- What was imported of agents' history, and which call each of it hangs on: a call that was also seen live counts once, whichever
-- came first. Unsharded, as control tables are.

set local search_path = signalbox;

-- One row for each imported span that says its call (signalbox.import.call_ids).
create table imported_spans (
  session_id text not null,
  start_time timestamptz not null,
  span_id bytea not null,
  agent_id text not null,
  -- the first of call_ids, which are the names that a live record of the call may have: response, request, decision
  call_id text not null,
  call_ids text[] not null,
  is_call boolean not null,
  ended_at timestamptz not null,
  input_tokens bigint,
  output_tokens bigint,
  -- the call was seen live, or in an earlier session that this one's history was copied from: the span is not in spans
  superseded boolean not null default false,
  primary key (session_id, start_time, span_id)
);
create index imported_spans_by_call on imported_spans (call_id);
create index imported_spans_by_agent on imported_spans (agent_id);
