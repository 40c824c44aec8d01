import type { FixtureRecord, OtlpRecord, OtlpSummaryRecord } from "./fixture-format.ts";

/** A span, log record or metric as far as a choice needs it. */
export interface Named {
  name: string;
  attributes: Record<string, unknown>;
}

/** Which spans, log events and metrics a fixture keeps. A span that is kept keeps its ancestors too: without them no tree. */
export interface Keep {
  span(span: Named): boolean;
  log(log: Named): boolean;
  metric(name: string): boolean;
}

interface Attribute {
  key: string;
  value?: Record<string, unknown>;
}
interface Span {
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes?: Attribute[];
}
interface Log {
  body?: { stringValue?: string };
  eventName?: string;
  attributes?: Attribute[];
}
interface Body {
  resourceSpans?: { scopeSpans?: { spans?: Span[] }[] }[];
  resourceLogs?: { scopeLogs?: { logRecords?: Log[] }[] }[];
  resourceMetrics?: { scopeMetrics?: { metrics?: { name: string }[] }[] }[];
}

const attributesOf = (holder: { attributes?: Attribute[] }): Record<string, unknown> =>
  Object.fromEntries((holder.attributes ?? []).map(({ key, value }) => [key, Object.values(value ?? {})[0]]));

/** The event name of a log record, wherever the agent puts it. */
const logName = (log: Log): string => String(attributesOf(log)["event.name"] ?? log.eventName ?? log.body?.stringValue ?? "unnamed");

/**
 * The records with only the telemetry that `keep` takes; exports that are left empty go. Where any was left out, a last record
 * says how many of each name.
 */
export function leaveOut(records: FixtureRecord[], keep: Keep): FixtureRecord[] {
  const summary: OtlpSummaryRecord = { kind: "otlp-left-out", t_ms: 0, spans: {}, logs: {}, metrics: {} };
  const spanIds = keptSpanIds(records, keep);
  const kept: FixtureRecord[] = [];
  for (const record of records) {
    summary.t_ms = Math.max(summary.t_ms, record.t_ms);
    const body = record.kind === "otlp" ? keptBody(record, keep, spanIds, summary) : undefined;
    if (record.kind !== "otlp") kept.push(record);
    else if (body !== undefined) kept.push({ ...record, body });
  }
  const leftOut = [summary.spans, summary.logs, summary.metrics].some((counts) => Object.keys(counts).length > 0);
  return leftOut ? [...kept, summary] : kept;
}

function keptSpanIds(records: FixtureRecord[], keep: Keep): Set<string> {
  const spans = records
    .filter((record) => record.kind === "otlp" && record.signal === "traces")
    .flatMap((record) => ((record as OtlpRecord).body as Body).resourceSpans ?? [])
    .flatMap((group) => group.scopeSpans ?? [])
    .flatMap((scope) => scope.spans ?? []);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  // The span a request names in its traceparent is the parent of whatever answers it.
  const named = new Set(records.flatMap((record) => (record.kind === "request" ? [record.headers.traceparent?.split("-")[2] ?? ""] : [])));
  const kept = new Set<string>();
  for (const span of spans) {
    if (!named.has(span.spanId) && !keep.span({ name: span.name, attributes: attributesOf(span) })) continue;
    for (let ancestor: Span | undefined = span; ancestor && !kept.has(ancestor.spanId); ancestor = byId.get(ancestor.parentSpanId ?? "")) {
      kept.add(ancestor.spanId);
    }
  }
  return kept;
}

/** `undefined` where nothing is left. */
function keptBody(record: OtlpRecord, keep: Keep, spanIds: Set<string>, summary: OtlpSummaryRecord): Body | undefined {
  const body = record.body as Body;
  switch (record.signal) {
    case "traces": {
      const resourceSpans = filterNested(body.resourceSpans, "scopeSpans", "spans", (span: Span) =>
        spanIds.has(span.spanId) ? true : count(summary.spans, span.name),
      );
      return resourceSpans && { resourceSpans };
    }
    case "logs": {
      const resourceLogs = filterNested(body.resourceLogs, "scopeLogs", "logRecords", (log: Log) =>
        keep.log({ name: logName(log), attributes: attributesOf(log) }) ? true : count(summary.logs, logName(log)),
      );
      return resourceLogs && { resourceLogs };
    }
    case "metrics": {
      const resourceMetrics = filterNested(body.resourceMetrics, "scopeMetrics", "metrics", (metric: { name: string }) =>
        keep.metric(metric.name) ? true : count(summary.metrics, metric.name),
      );
      return resourceMetrics && { resourceMetrics };
    }
  }
}

/** `groups[].scopes[].items[]` with only the items taken; `undefined` where none was. */
function filterNested<Item, Items extends string, Scopes extends string>(
  groups: { [scope in Scopes]?: { [items in Items]?: Item[] }[] }[] | undefined,
  scopes: Scopes,
  items: Items,
  take: (item: Item) => boolean,
) {
  const kept = (groups ?? []).flatMap((group) => {
    const inner = (group[scopes] ?? []).flatMap((scope) => {
      const taken = (scope[items] ?? []).filter(take);
      return taken.length > 0 ? [{ ...scope, [items]: taken }] : [];
    });
    return inner.length > 0 ? [{ ...group, [scopes]: inner }] : [];
  });
  return kept.length > 0 ? kept : undefined;
}

/** Counts a name; always false, for a filter. */
function count(counts: Record<string, number>, name: string): boolean {
  counts[name] = (counts[name] ?? 0) + 1;
  return false;
}
