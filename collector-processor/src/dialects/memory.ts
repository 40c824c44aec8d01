import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import type { MemoryAccess } from "@signalbox/otel/memory";
import type { SpanDraft } from "../span-batch.ts";
import { boundedText } from "../text.ts";
import type { ContentSink } from "./emitter.ts";

const MAX_PATH_BYTES = 1024;

/** Makes the row a `memory` span. The diff is content: kept beside the row, or dropped where content is not wanted. */
export function applyMemory(draft: SpanDraft, { path, operation, lines, diff }: MemoryAccess, content: ContentSink): void {
  const { row } = draft;
  row.operation = Operation.memory;
  row.name = spanName.memory(operation);
  draft.added.push([Attribute.memoryPath, boundedText(path, MAX_PATH_BYTES)], [Attribute.memoryOperation, operation]);
  if (lines !== undefined) draft.added.push([Attribute.memoryLines, lines]);
  content.add("input", diff ?? null);
}
