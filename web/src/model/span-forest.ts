import { Operation } from "@signalbox/otel/conventions";
import type { TimelineSpan } from "../api/timeline.ts";
import { epochMs } from "./time.ts";
import { type Children, childrenOf, postOrder } from "./tree.ts";

/** A span with what lies below it. */
export interface SpanNode {
  span: TimelineSpan;
  startMs: number;
  durationMs: number;
  /** Of itself and everything below: calls, their known cost, and how many costs are unknown. */
  calls: number;
  nanousd: bigint;
  unknownCalls: number;
  /** Spans in error, below and itself. */
  errors: number;
  spansBelow: number;
  /** The call that answered, of itself and everything below, where this span stands for one call. */
  call: TimelineSpan | null;
}

export interface SpanForest {
  nodes: Map<string, SpanNode>;
  children: Children;
}

/** Spans of a session (any order, parents possibly missing) as trees with sums. */
export function toForest(spans: readonly TimelineSpan[]): SpanForest {
  const sorted = [...spans].sort((left, right) => (left.start_time < right.start_time ? -1 : left.start_time > right.start_time ? 1 : 0));
  const children = childrenOf(sorted.map((span) => ({ id: span.span_id, parent: span.parent_span_id })));
  const nodes = new Map(sorted.map((span) => [span.span_id, leaf(span)]));
  for (const id of postOrder(children)) {
    const node = nodes.get(id);
    if (!node) continue;
    for (const childId of children.get(id) ?? []) {
      const child = nodes.get(childId);
      if (!child) continue;
      node.calls += child.calls;
      node.nanousd += child.nanousd;
      node.unknownCalls += child.unknownCalls;
      node.errors += child.errors;
      node.spansBelow += child.spansBelow + 1;
      if (standsForCall(node.span) && child.call && (child.call.attempt ?? 0) >= (node.call?.attempt ?? 0)) node.call = child.call;
    }
  }
  return { nodes, children };
}

function leaf(span: TimelineSpan): SpanNode {
  return {
    span,
    startMs: epochMs(span.start_time),
    durationMs: Number(span.duration_ns) / 1e6,
    calls: span.is_call ? 1 : 0,
    nanousd: span.is_call && span.cost_nanousd !== null ? BigInt(span.cost_nanousd) : 0n,
    unknownCalls: span.is_call && span.cost_nanousd === null ? 1 : 0,
    errors: span.status === "error" ? 1 : 0,
    spansBelow: 0,
    call: span.is_call ? span : null,
  };
}

/** The agent's chat span, the scheduler's decision and its attempts are one call to a reader: folded together until opened. */
const CALL_OPERATIONS: readonly string[] = [Operation.chat, Operation.embeddings, Operation.schedule];
export const standsForCall = (span: TimelineSpan) => CALL_OPERATIONS.includes(span.operation);

/** Which rows begin folded: model calls. */
export const startsFolded = (node: SpanNode) => standsForCall(node.span) && node.spansBelow > 0;

/** A folded call stands for the attempt that answered: that span has the tokens and the cost. */
export const shownSpan = (node: SpanNode, isExpanded: boolean) => (isExpanded ? node.span : (node.call ?? node.span)).span_id;

/** The name without the operation, which the row shows as an icon. */
export function shortName(span: TimelineSpan): string {
  // "read" alone says nothing, for it has no target, nor does the pool that a state moved to
  if (span.operation === Operation.memory || span.operation === Operation.migrate) return span.name;
  const rest = span.operation && span.name.startsWith(`${span.operation} `) ? span.name.slice(span.operation.length + 1) : span.name;
  return rest || span.name;
}

export interface Segment {
  kind: "queue" | "prefill" | "decode" | "rest";
  /** Of the span's duration, 0..1. */
  from: number;
  to: number;
  ms: number;
}

/** Queue, prefill and decode of a call as parts of a bar of `durationMs`; what none of them explains is left over. Empty where nothing was measured. */
export function callSegments(call: Pick<TimelineSpan, "queue_ms" | "prefill_ms" | "decode_ms">, durationMs: number): Segment[] {
  const measured = (
    [
      ["queue", call.queue_ms],
      ["prefill", call.prefill_ms],
      ["decode", call.decode_ms],
    ] as const
  ).filter(([, ms]) => ms !== null && ms > 0);
  const sum = measured.reduce((total, [, ms]) => total + (ms ?? 0), 0);
  if (sum === 0 || durationMs <= 0) return [];
  // clocks differ: a call measured as longer than its span still fills its bar and no more
  const scale = Math.max(sum, durationMs);
  const rest = scale - sum;
  let at = rest / scale;
  const segments: Segment[] = rest / scale > 0.005 ? [{ kind: "rest", from: 0, to: at, ms: rest }] : [];
  if (segments.length === 0) at = 0;
  for (const [kind, ms] of measured) {
    const to = at + (ms ?? 0) / scale;
    segments.push({ kind, from: at, to, ms: ms ?? 0 });
    at = to;
  }
  return segments;
}
