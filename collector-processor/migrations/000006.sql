-- What the decision log and the stream look for among very many spans: failed ones, and calls that needed a further attempt.

set local search_path = signalbox;

create index spans_failed on spans (start_time desc, operation) where status = 2;
create index spans_retried on spans (start_time desc) include (trace_id, parent_span_id) where attempt > 1;
