import { describe, expect, it } from "vitest";
import type { Span } from "../api/span.ts";
import { callSegments, shortName, startsFolded, toForest } from "./span-forest.ts";

const span = (id: string, parent: string | null, more: Partial<Span> = {}) =>
  ({
    span_id: id,
    parent_span_id: parent,
    name: id,
    operation: "",
    is_call: false,
    start_time: "2026-11-21T00:00:00.000000000Z",
    duration_ns: "1000000",
    status: "unset",
    attempt: null,
    cost_nanousd: null,
    ...more,
  }) as Span;

describe("span forest", () => {
  const routed = [
    span("turn", null, { operation: "invoke_agent" }),
    span("chat", "turn", { operation: "chat" }),
    span("decision", "chat", { operation: "schedule" }),
    span("first", "decision", { operation: "chat", is_call: true, attempt: 1, status: "error", cost_nanousd: "40", pool: "epyc-a" }),
    span("second", "decision", { operation: "chat", is_call: true, attempt: 2, cost_nanousd: "500", pool: "l40s" }),
    span("direct", "turn", { operation: "chat", is_call: true, cost_nanousd: null }),
  ];

  it("adds up calls, cost and errors, each once", () => {
    const turn = toForest(routed).nodes.get("turn");
    expect(turn).toMatchObject({ calls: 3, nanousd: 540n, unknownCalls: 1, errors: 1, spansBelow: 5 });
  });

  it("folds a routed call, and shows the attempt that answered, in any order of arrival", () => {
    for (const spans of [routed, [...routed].reverse()]) {
      const { nodes } = toForest(spans);
      const chat = nodes.get("chat");
      expect(chat?.call?.span_id).toBe("second");
      expect(chat && startsFolded(chat)).toBe(true);
      expect(nodes.get("turn")?.call).toBeNull();
    }
  });
});

describe("call segments", () => {
  it("puts what is not explained before the queue", () => {
    const segments = callSegments({ queue_ms: 10, prefill_ms: 20, decode_ms: 60 }, 100);
    expect(segments.map(({ kind, ms }) => [kind, ms])).toEqual([
      ["rest", 10],
      ["queue", 10],
      ["prefill", 20],
      ["decode", 60],
    ]);
    expect(segments.at(-1)?.to).toBeCloseTo(1, 9);
  });
  it("never leaves its bar, though clocks differ", () => {
    const segments = callSegments({ queue_ms: 100, prefill_ms: 100, decode_ms: 200 }, 300);
    expect(segments.at(-1)?.to).toBeCloseTo(1, 9);
    expect(segments[0]?.from).toBe(0);
  });
  it("is empty where nothing was measured", () =>
    expect(callSegments({ queue_ms: null, prefill_ms: null, decode_ms: null }, 100)).toEqual([]));
});

it("leaves the operation out of the name", () => {
  expect(shortName(span("a", null, { operation: "execute_tool", name: "execute_tool exec" }))).toBe("exec");
  expect(shortName(span("a", null, { operation: "", name: "GET /" }))).toBe("GET /");
  expect(shortName(span("a", null, { operation: "migrate", name: "migrate epyc-a" }))).toBe("migrate epyc-a");
});
