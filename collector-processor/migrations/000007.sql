-- The bodies of routed calls, for the raw view: what one attempt sent to its pool and received from it. Sent whole with each call, so
-- they are kept for days and not for ever (collector.payload_days). No index leads from them to a page but the primary key.

set local search_path = signalbox;

create table payloads (
  session_id text not null,
  -- of the attempt
  span_id bytea not null,
  -- sent | received
  direction text not null,
  -- when the attempt began
  start_time timestamptz not null,
  project text not null,
  -- that went over the wire; of a body that is longer than the scheduler's or the collector's limit the end is not kept
  bytes bigint not null,
  is_truncated boolean not null,
  -- zstd, secrets redacted
  body bytea not null,
  primary key (session_id, span_id, direction)
);
-- compressed already
alter table payloads alter column body set storage external;
create index payloads_by_time on payloads (start_time);

do $$
begin
  grant select on payloads to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;
