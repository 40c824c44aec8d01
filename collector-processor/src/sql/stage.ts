import { COUNTED_COLUMNS } from "../exporters/counter-rows.ts";
import { SPAN_COLUMNS } from "../exporters/encode-batch.ts";

const spanColumns = SPAN_COLUMNS.join(", ");

/** Once a connection: where rows stand that may be stored already. Temporary, so it costs no WAL. */
export const CREATE_STAGE = `
  create temp table stage_spans (like signalbox.spans) on commit delete rows;
  create temp table stage_messages (like signalbox.messages) on commit delete rows;
  create temp table stage_payloads (like signalbox.payloads) on commit delete rows;
  create temp table stage_span_messages (like signalbox.span_messages) on commit delete rows;
`;

const copy = (table: string, columns: string) => `copy ${table} (${columns}) from stdin with (format binary)`;
const messageColumns = "session_id, hash, body";
const spanMessageColumns = "session_id, start_time, span_id, direction, hashes";

/** Straight into the table, or that of a day: fails where one row is there already. */
export const copySpans = (table: string) => copy(table, spanColumns);
export const COPY_SPAN_MESSAGES = copy("signalbox.span_messages", spanMessageColumns);
export const COPY_MESSAGES = copy("signalbox.messages", messageColumns);

export const STAGE_SPANS = copy("stage_spans", spanColumns);
export const STAGE_SPAN_MESSAGES = copy("stage_span_messages", spanMessageColumns);
export const STAGE_MESSAGES = copy("stage_messages", messageColumns);

const payloadColumns = "session_id, span_id, direction, start_time, project, bytes, is_truncated, body";
export const STAGE_PAYLOADS = copy("stage_payloads", payloadColumns);

/** Stores the staged bodies that are not there yet, in the order of the keys. */
export const INSERT_PAYLOADS = `
insert into signalbox.payloads (${payloadColumns})
select distinct on (session_id, span_id, direction) ${payloadColumns}
from stage_payloads
order by session_id, span_id, direction
on conflict do nothing
`;

const counted = COUNTED_COLUMNS.map((column) =>
  column === "start_time" ? "(extract(epoch from inserted.start_time) * 1000000)::bigint as start_time" : `inserted.${column}`,
);

/** Any order does that is the same for all writers; this one compares bytes. */
const MESSAGE_ORDER = 'order by session_id collate "C", hash';

/** Stores the staged messages that are not there yet; one that is staged twice, the second time too, is one that is there. */
export const INSERT_MESSAGES = `
insert into signalbox.messages (${messageColumns})
select ${messageColumns}
from stage_messages
${MESSAGE_ORDER}
on conflict do nothing
`;

/**
 * Stores the staged spans that are not there yet, with the messages of those, and only those; answers their COUNTED_COLUMNS, times as
 * microseconds since 1970. In the order of the keys, so that two writers never wait for each other in a circle.
 */
export const INSERT_STAGED = `
with inserted as (
  insert into signalbox.spans (${spanColumns})
  select ${spanColumns} from stage_spans
  order by session_id, start_time, span_id
  on conflict do nothing
  returning span_id, ${COUNTED_COLUMNS.join(", ")}
),
add_span_messages as (
  insert into signalbox.span_messages (${spanMessageColumns})
  select distinct on (session_id, start_time, span_id, direction) ${spanMessageColumns}
  from stage_span_messages join inserted using (session_id, start_time, span_id)
  order by session_id, start_time, span_id, direction, hashes
  on conflict do nothing
  returning session_id, hashes
),
add_messages as (
  insert into signalbox.messages (${messageColumns})
  select ${messageColumns}
  from stage_messages
  where (session_id, hash) in (select session_id, unnest(hashes) from add_span_messages)
  ${MESSAGE_ORDER}
  on conflict do nothing
)
select ${counted.join(", ")} from inserted
`;
