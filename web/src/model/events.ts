import type { FleetEvent } from "../api/event.ts";

/**
 * How many of the newest events are not on the page: those that belong above its oldest row. A span arrives when it ends, so a
 * long turn may belong below rows that are shown already; it is counted too.
 */
export function countUnseen(newest: readonly FleetEvent[], shown: readonly FleetEvent[]): number {
  const oldest = shown.at(-1);
  if (!oldest) return newest.length;
  const known = new Set(shown.map((event) => event.span_id));
  return newest.filter((event) => !known.has(event.span_id) && event.time >= oldest.time).length;
}

/** What an event did, in a few words, without who did it. */
export function describeEvent(event: FleetEvent): string {
  switch (event.kind) {
    case "turn":
      return event.status === "error" ? "turn failed" : `turn${event.task ? `, ${event.task}` : ""}`;
    case "call":
      return `${event.model ?? "unknown model"}${event.attempt !== null && event.attempt > 1 ? `, attempt ${event.attempt}` : ""}`;
    case "tool":
      return event.tool_name ?? event.name;
    case "decision":
      return event.reason ?? "no reason given";
  }
}
