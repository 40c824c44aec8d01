/** One ExportTraceServiceRequest as OTLP/JSON, as far as it is looked into. */
export interface TracesJson {
  resourceSpans: { resource?: { attributes?: KeyValue[] }; scopeSpans?: { spans?: SpanJson[] }[] }[];
}
interface KeyValue {
  key: string;
  value?: Record<string, unknown>;
}
interface SpanJson {
  startTimeUnixNano: string;
  [field: string]: unknown;
}

/** Of a resource: what names a machine or a process. */
const LOCAL = /^(?:host|process|os|service\.instance)\./;
const ID = /^(?:trace|span|parentSpan)Id$/;
/** A text that is a time and nothing else, in quotes or not. */
const MOMENT = /(?<=^"?)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(?="?$)/;
/** 2026-11-21T00:00:00Z: every recording begins then. */
const EPOCH_NANOS = 1_795_219_200_000_000_000n;

/** Several requests as one, with ids that count, times from one moment on, and nothing of this machine; `folders` are replaced. */
export function stable(bodies: readonly TracesJson[], folders: readonly string[]): TracesJson {
  const request: TracesJson = { resourceSpans: bodies.flatMap((body) => body.resourceSpans) };
  const spans = request.resourceSpans.flatMap((resource) => (resource.scopeSpans ?? []).flatMap((scope) => scope.spans ?? []));
  const first = spans.map((span) => BigInt(span.startTimeUnixNano)).reduce((a, b) => (a < b ? a : b), 2n ** 63n);
  const ids = new Map<string, string>();
  const shifted = (text: string) => Date.parse(text) - Number(first / 1_000_000n);
  const known = (id: string) => {
    if (!ids.has(id)) ids.set(id, (ids.size + 1).toString(16).padStart(id.length, "0"));
    return ids.get(id) as string;
  };
  const walk = (value: unknown, field = ""): unknown => {
    if (typeof value === "string") {
      if (ID.test(field)) return value === "" ? value : known(value);
      if (field.endsWith("UnixNano")) return String(EPOCH_NANOS + BigInt(value) - first);
      if (MOMENT.test(value))
        return value.replace(MOMENT, (text) => new Date(Number(EPOCH_NANOS / 1_000_000n) + shifted(text)).toISOString());
      return folders.reduce((text, folder) => text.replaceAll(folder, "/app"), value);
    }
    if (Array.isArray(value))
      return value.filter((element) => !LOCAL.test((element as KeyValue | null)?.key ?? "")).map((element) => walk(element));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner, name)]));
  };
  return walk(request) as TracesJson;
}
