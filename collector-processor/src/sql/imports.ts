import { Attribute, IMPORT_SERVICE, PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import { COUNTED_COLUMNS } from "../exporters/counter-rows.ts";
import { takeAwayAccesses } from "./memory-accesses.ts";

/**
 * An import and a live record of the same call must not both be there uncommitted and unseen. Live groups share the lock, so they never
 * wait for each other; an import has it alone, and so has retention while it deletes messages, which a group may find there and not store.
 * Held until the end of the transaction, and taken before anything is stored.
 */
const LOCK = 1_936_289_133;
export const LOCK_AS_LIVE = `select pg_advisory_xact_lock_shared(${LOCK})`;
export const LOCK_AS_IMPORT = `select pg_advisory_xact_lock(${LOCK})`;

/** Whether a live record may supersede one that was imported. */
export const HAS_IMPORTS = "select exists (select from signalbox.imported_spans where is_call and not superseded) as some";

const IDS = `attributes->'${Attribute.importCallIds}'`;
const IS_IMPORTED = `service_name = '${IMPORT_SERVICE}' and jsonb_typeof(${IDS}) = 'array' and ${IDS}->>0 is not null`;

/** Takes what hangs on a call that is superseded already out of the stage. */
export const DROP_SUPERSEDED = `
delete from stage_spans staged
using signalbox.imported_spans known
where staged.service_name = '${IMPORT_SERVICE}' and known.session_id = staged.session_id and known.superseded
  and known.call_id = staged.${IDS}->>0
`;

/** Remembers the staged imported spans. */
export const REMEMBER_IMPORTED = `
insert into signalbox.imported_spans (session_id, start_time, span_id, agent_id, call_id, call_ids, is_call, ended_at, input_tokens, output_tokens)
select session_id, start_time, span_id, agent_id, ${IDS}->>0, array(select jsonb_array_elements_text(${IDS})), is_call,
  start_time + duration_ns / 1000 * interval '1 microsecond', input_tokens, output_tokens
from stage_spans
where ${IS_IMPORTED}
order by session_id, start_time, span_id
on conflict do nothing
`;

const counted = COUNTED_COLUMNS.map((column) =>
  column === "start_time" ? "(extract(epoch from gone.start_time) * 1000000)::bigint as start_time" : `gone.${column}`,
);
const SAME_ROW = "imported.session_id = row.session_id and imported.start_time = row.start_time and imported.span_id = row.span_id";

/** What stands before the id of a session of a project other than the default one. */
const projectOf = (column: string) => `left(${column}, strpos(${column}, '${PROJECT_SEPARATOR}'))`;

/**
 * Takes away the imported spans whose call is there live, and answers the COUNTED_COLUMNS of those that were stored.
 *
 * $1: the sessions that a group touched, as a JSON array, with their projects and without; $2, $3: when its spans began and ended, microseconds since 1970. The live record says the same
 * id within two minutes (some servers count from 1 again), or (Codex's logs name none) is of the same agent, has the same tokens and ended within 5 s. Of a history that was copied into
 * another session, as forks and old resumes do, the session with the least id has the call.
 */
export const SUPERSEDE_IMPORTED = `
with sessions as (
  select array(select json_array_elements_text($1::text::json)) as ids
),
touched as (
  select imported_spans.* from signalbox.imported_spans, sessions
  where (session_id = any(sessions.ids) or agent_id = any(sessions.ids)) and is_call and not superseded
    and ended_at >= timestamptz 'epoch' + ($2::bigint - 300000000) * interval '1 microsecond'
    and ended_at <= timestamptz 'epoch' + ($3::bigint + 3600000000) * interval '1 microsecond'
),
calls as (
  select * from touched
  union
  select copy.* from signalbox.imported_spans copy join touched using (call_id) where copy.is_call and not copy.superseded
    and ${projectOf("copy.session_id")} = ${projectOf("touched.session_id")}
),
superseded as (
  select distinct calls.session_id, calls.call_id from calls
  where exists (
    select from signalbox.imported_spans original
    where original.call_id = calls.call_id and original.is_call and original.ended_at = calls.ended_at
      and ${projectOf("original.session_id")} = ${projectOf("calls.session_id")}
      and original.session_id collate "C" < calls.session_id collate "C"
  ) or exists (
    select from signalbox.spans live
    where live.session_id in (calls.session_id, calls.agent_id, ${projectOf("calls.session_id")} || calls.agent_id) and live.is_call and live.service_name is distinct from '${IMPORT_SERVICE}'
      and live.start_time >= calls.ended_at - interval '1 hour' and live.start_time < calls.ended_at + interval '2 minutes'
      and live.start_time + live.duration_ns / 1000 * interval '1 microsecond' > calls.ended_at - interval '2 minutes'
      and case
        when coalesce(live.attributes->>'${Attribute.responseId}', live.attributes->>'request_id', live.decision_id) is null then
          live.agent_id = calls.agent_id and live.input_tokens = calls.input_tokens and live.output_tokens = calls.output_tokens
          and live.start_time + live.duration_ns / 1000 * interval '1 microsecond'
            between calls.ended_at - interval '5 seconds' and calls.ended_at + interval '5 seconds'
        else live.attributes->>'${Attribute.responseId}' = any(calls.call_ids) or live.attributes->>'request_id' = any(calls.call_ids)
          or live.decision_id = any(calls.call_ids)
      end
  )
),
marked as (
  update signalbox.imported_spans imported set superseded = true
  from superseded
  where imported.session_id = superseded.session_id and imported.call_id = superseded.call_id and not imported.superseded
  returning imported.session_id, imported.start_time, imported.span_id
),
gone_messages as (
  delete from signalbox.span_messages row using marked imported where ${SAME_ROW}
),
${takeAwayAccesses(`delete from signalbox.memory_accesses row using marked imported where ${SAME_ROW}`)},
gone as (
  delete from signalbox.spans row using marked imported where ${SAME_ROW}
  returning row.*
)
select ${counted.join(", ")} from gone
`;
