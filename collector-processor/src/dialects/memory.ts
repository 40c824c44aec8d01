import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import type { MemoryAccess } from "@signalbox/otel/memory";
import type { SpanDraft } from "../span-batch.ts";
import { MAX_PATH_BYTES } from "../sql/memory-accesses.ts";
import { boundedText } from "../text.ts";
import type { Mapping } from "./dialect.ts";
import type { ContentSink } from "./emitter.ts";

/** A path that an emitter names by itself. Cut, it is listed still: its end says so, and tells it from others that begin alike. */
export const memoryPath: Mapping = (draft, value) => {
  if (typeof value !== "string") return false;
  const cut = boundedText(value, MAX_PATH_BYTES);
  if (cut === value) return false;
  draft.added.push([Attribute.memoryPath, cut]);
  return true;
};

/** Makes the row a `memory` span. The diff is content: kept beside the row, or dropped where content is not wanted. */
export function applyMemory(draft: SpanDraft, { path, operation, lines, diff }: MemoryAccess, content: ContentSink): void {
  const { row } = draft;
  row.operation = Operation.memory;
  row.name = spanName.memory(operation);
  draft.added.push([Attribute.memoryPath, boundedText(path, MAX_PATH_BYTES)], [Attribute.memoryOperation, operation]);
  if (lines !== undefined) draft.added.push([Attribute.memoryLines, lines]);
  content.add("input", diff ?? null);
}
