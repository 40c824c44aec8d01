/**
 * Traces as both decoders, protobuf and JSON, hand them on. Attributes are flat arrays, never objects: no key can touch a
 * prototype, order is kept, and they are what is cheapest to build.
 */

/** `[key, value, key, value, …]` */
export type Attributes = (string | AttributeValue)[];

/** An int64 beyond 2⁵³ is a bigint. */
export type AttributeValue = string | number | bigint | boolean | null | Uint8Array | AttributeValue[] | KeyValueList;

/** The map among attribute values; a class so that it is not an array. */
export class KeyValueList {
  readonly entries: Attributes = [];
}

/** A moment of Unix time that keeps every nanosecond: micros is exact until the year 2255 (2⁵³ µs), nanos is 0..999. */
export interface Moment {
  micros: number;
  nanos: number;
}

/** An id is lower-case hex; '' where it is absent, and null where its length is wrong. */
export type Id = string | null;

export interface Event {
  time: Moment;
  name: string;
  attributes: Attributes;
}

export interface Link {
  traceId: Id;
  spanId: Id;
  attributes: Attributes;
}

export interface Span {
  traceId: Id;
  spanId: Id;
  parentSpanId: Id;
  name: string;
  kind: number;
  startMicros: number;
  startNanos: number;
  endMicros: number;
  endNanos: number;
  statusCode: number;
  statusMessage: string;
  attributes: Attributes;
  events: Event[] | null;
  links: Link[] | null;
}

export interface ScopeSpans {
  name: string;
  version: string;
  spans: Span[];
  /** The spans were made of log records: see processors/log-facts.ts. No request can say so. */
  fromLogs?: true;
}

export interface ResourceSpans {
  attributes: Attributes;
  scopes: ScopeSpans[];
}

/** The body is not the message that it claims to be. */
export class MalformedBody extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MalformedBody";
  }
}

/** A value nested deeper than this is replaced by DEEPER. */
export const MAX_VALUE_DEPTH = 32;
export const DEEPER = `[nested deeper than ${MAX_VALUE_DEPTH} levels]`;
