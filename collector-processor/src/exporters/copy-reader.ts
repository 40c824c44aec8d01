import { POSTGRES_EPOCH_MICROS } from "./copy-writer.ts";
import type { CountedSpan } from "./counter-rows.ts";
import { SPAN_COLUMNS } from "./encode-batch.ts";

type Read = (rows: Buffer, at: number, length: number) => string | number | boolean;

const text: Read = (rows, at, length) => rows.toString("utf8", at, at + length);
const flag: Read = (rows, at) => rows[at] === 1;
const smallint: Read = (rows, at) => rows.readInt16BE(at);
const real: Read = (rows, at) => rows.readFloatBE(at);
const bigint: Read = (rows, at) => rows.readInt32BE(at) * 2 ** 32 + rows.readUInt32BE(at + 4);
const timestamp: Read = (rows, at, length) => (bigint(rows, at, length) as number) + POSTGRES_EPOCH_MICROS;

/** How the field of each counted column is read. */
const READ_COUNTED: { [Name in keyof CountedSpan]: Read } = {
  session_id: text,
  agent_id: text,
  project: text,
  start_time: timestamp,
  duration_ns: bigint,
  operation: text,
  is_call: flag,
  status: smallint,
  status_message: text,
  name: text,
  tool_name: text,
  route: text,
  pool: text,
  silicon: text,
  hardware: text,
  provider: text,
  model: text,
  sla_class: text,
  sla_met: flag,
  task: text,
  channel: text,
  agent_kind: text,
  user_id: text,
  key_name: text,
  input_tokens: bigint,
  cache_read_tokens: bigint,
  cache_write_tokens: bigint,
  output_tokens: bigint,
  reasoning_tokens: bigint,
  cost_nusd: bigint,
  baseline_nusd: bigint,
  prefill_ms: real,
  decode_ms: real,
};
const READERS = SPAN_COLUMNS.map((name) => ({ name, read: (READ_COUNTED as Partial<Record<string, Read>>)[name] }));

/** What is counted of encoded spans: rows of SPAN_COLUMNS, as `encodeBatch` writes them. */
export function* countedSpans(rows: Buffer): Generator<CountedSpan> {
  for (let at = 0; at < rows.length; ) {
    at += 2; // the number of fields
    const span: Record<string, string | number | boolean | null> = {};
    for (const { name, read } of READERS) {
      const length = rows.readInt32BE(at);
      at += 4;
      if (read !== undefined) span[name] = length < 0 ? null : read(rows, at, length);
      if (length > 0) at += length;
    }
    yield span as unknown as CountedSpan;
  }
}
