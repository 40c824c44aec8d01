import assert from "node:assert/strict";
import type { StoredSpan } from "./books.ts";
import { NOTES } from "./scenarios.ts";

/** Each access to a memory file stands under its tool call, with its path, what it did, and lines where it read some. */
export function assertMemory(spans: readonly StoredSpan[], expected: readonly string[]): void {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const seen = spans.flatMap(({ operation, parent, attributes }) => {
    if (operation !== "memory") return [];
    assert.ok(String(attributes["signalbox.memory.path"]).endsWith(`/workspace/${NOTES}`), String(attributes["signalbox.memory.path"]));
    const lines = attributes["signalbox.memory.lines"] ?? "";
    return `${byId.get(parent ?? "")?.tool_name} ${attributes["signalbox.memory.operation"]} ${lines}`.trim();
  });
  assert.deepEqual(seen.toSorted(), expected);
}
