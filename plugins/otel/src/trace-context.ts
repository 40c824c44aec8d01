/** W3C Trace Context, level 1: the `traceparent` header. */

export interface TraceContext {
  /** 32 lower-case hex characters, not all zero. */
  traceId: string;
  /** 16 lower-case hex characters, not all zero. */
  spanId: string;
  sampled: boolean;
}

const TRACE_ID = /^(?!0{32}$)[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16}$)[0-9a-f]{16}$/;
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

export const isTraceId = (value: unknown): value is string => typeof value === "string" && TRACE_ID.test(value);
export const isSpanId = (value: unknown): value is string => typeof value === "string" && SPAN_ID.test(value);

/**
 * Reads a `traceparent` header. Undefined where it is not valid: wrong length, upper case, all-zero ids, version `ff`, more
 * than the four fields in version 00, or two headers joined by a comma (what doubled instrumentation sends).
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || header.length > 512) return undefined;
  const match = TRACEPARENT.exec(header.trim());
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (!isTraceId(traceId) || !isSpanId(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a version-00 `traceparent`. Throws a RangeError on ids that are not valid: never send a header that voids a trace. */
export function formatTraceparent(context: TraceContext): string {
  if (!isTraceId(context.traceId)) throw new RangeError(`not a trace id: ${JSON.stringify(context.traceId)}`);
  if (!isSpanId(context.spanId)) throw new RangeError(`not a span id: ${JSON.stringify(context.spanId)}`);
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? "01" : "00"}`;
}
