import { STAGE_SPAN_COLUMNS } from "../exporters/encode-batch.ts";

/** Once a connection: what a batch is copied into before it is stored. Temporary, so it costs no WAL. */
export const CREATE_STAGE = `
  create temp table stage_spans (
    like signalbox.spans,
    session_named boolean not null,
    parent_agent_id text,
    agent_depth smallint,
    spawned_by_tool_call text
  ) on commit delete rows;
  create temp table stage_messages (like signalbox.messages) on commit delete rows;
  create temp table stage_span_messages (like signalbox.span_messages) on commit delete rows;
`;

export const COPY_SPANS = `copy stage_spans (${STAGE_SPAN_COLUMNS.join(", ")}) from stdin with (format binary)`;
export const COPY_MESSAGES = "copy stage_messages (session_id, hash, body) from stdin with (format binary)";
export const COPY_SPAN_MESSAGES =
  "copy stage_span_messages (session_id, start_time, span_id, direction, hashes) from stdin with (format binary)";
