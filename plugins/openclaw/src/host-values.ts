/** Reads of values that the host made: every one may be missing or of another type in the next release. */

export type HostObject = Readonly<Record<string, unknown>>;

export const object = (value: unknown): HostObject => (value !== null && typeof value === "object" ? (value as HostObject) : {});
export const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
export const number = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/** A count that may go on a span: a whole number, not negative. */
export const count = (value: unknown): number | undefined => {
  const read = number(value);
  return read !== undefined && read >= 0 ? Math.round(read) : undefined;
};

export interface HostTrace {
  traceId: string | undefined;
  spanId: string | undefined;
  parentSpanId: string | undefined;
}

export function trace(holder: HostObject): HostTrace {
  const read = object(holder.trace);
  return { traceId: text(read.traceId), spanId: text(read.spanId), parentSpanId: text(read.parentSpanId) };
}
