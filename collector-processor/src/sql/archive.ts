import type { BasicType } from "hyparquet-writer";
import { SPAN_COLUMNS } from "../exporters/encode-batch.ts";
import { tooOld } from "./retention.ts";

type Column = (typeof SPAN_COLUMNS)[number];

const MICROS = "(extract(epoch from start_time) * 1000000)::bigint as start_time";
const IDS: Column[] = ["trace_id", "span_id", "parent_span_id"];
const JSON_COLUMNS: Column[] = ["attributes", "events", "links"];
const SMALL: Column[] = ["start_nanos", "kind", "status", "tier", "attempt"];
const FLAGS: Column[] = ["is_call", "sla_met"];
const REALS: Column[] = ["ttft_ms", "queue_ms", "prefill_ms", "decode_ms"];
const LARGE: Column[] = [
  "start_time",
  "duration_ns",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "cost_nusd",
  "baseline_nusd",
];

function typeOf(column: Column): BasicType {
  if (LARGE.includes(column)) return "INT64";
  if (SMALL.includes(column)) return "INT32";
  if (FLAGS.includes(column)) return "BOOLEAN";
  return REALS.includes(column) ? "FLOAT" : "STRING";
}

/** The columns of a file of spans. */
export const SPAN_FIELDS: { name: Column; type: BasicType }[] = SPAN_COLUMNS.map((name) => ({ name, type: typeOf(name) }));

const selected = SPAN_COLUMNS.map((column) => {
  if (column === "start_time") return MICROS;
  if (IDS.includes(column)) return `encode(${column}, 'hex') as ${column}`;
  return JSON_COLUMNS.includes(column) ? `${column}::text as ${column}` : column;
}).join(", ");

const chosen = (onlyOld: boolean) => (onlyOld ? tooOld("project", "start_time") : "true");

/** `onlyOld`: what is too old, by the parameters that `tooOld` wants; else every span. */
export const archivedProjects = (table: string, onlyOld: boolean) =>
  `select distinct project from ${table} where ${chosen(onlyOld)} order by project`;

/** The project is the last parameter. */
export const openArchived = (table: string, onlyOld: boolean) => `
declare archived no scroll cursor for
select ${selected} from ${table}
where ${chosen(onlyOld)} and project = $${onlyOld ? 4 : 1}
order by session_id, start_time, span_id`;

export const fetchArchived = (rows: number) => `fetch ${rows} from archived`;
