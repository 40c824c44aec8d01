import type { SeedSpan } from "./seed-fleet.ts";

let last = 0;

/** A span of a millisecond in a trace of its own, of a session's root agent; `more` says what else it is. */
export const loneSpan = (
  session: string,
  startUs: number,
  more: Pick<SeedSpan, "name" | "operation" | "kind"> & Partial<SeedSpan>,
): SeedSpan => ({
  start_us: startUs,
  duration_ns: 1_000_000,
  trace_id: (++last).toString(16).padStart(32, "0"),
  span_id: last.toString(16).padStart(16, "0"),
  parent_span_id: null,
  session_id: session,
  agent_id: session,
  parent_agent_id: null,
  depth: 0,
  spawned_by_tool_call: null,
  turn_id: null,
  status: 0,
  is_call: false,
  agent_kind: "other",
  agent_name: session,
  channel: "cli",
  user_id: null,
  columns: {},
  attributes: {},
  ...more,
});
