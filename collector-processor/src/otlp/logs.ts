import type { Attributes, AttributeValue, Id, Moment } from "./traces.ts";

/** A log record as both decoders hand it on; see traces.ts for ids and attributes. */
export interface LogRecord {
  /** When it happened; zero where the emitter does not say. */
  time: Moment;
  /** When it was collected: what to go by where `time` is zero. */
  observed: Moment;
  /** OTLP SeverityNumber, 0 … 24 */
  severity: number;
  eventName: string;
  body: AttributeValue;
  traceId: Id;
  spanId: Id;
  attributes: Attributes;
}

export interface ScopeLogs {
  name: string;
  version: string;
  records: LogRecord[];
}

export interface ResourceLogs {
  attributes: Attributes;
  scopes: ScopeLogs[];
}
