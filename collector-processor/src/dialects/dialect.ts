import { storableText } from "@signalbox/otel/conventions";
import type { AttributeValue } from "../otlp/traces.ts";
import { redact } from "../processors/redact.ts";
import type { SpanRow } from "../rows.ts";
import type { SpanDraft } from "../span-batch.ts";
import { boundedText, truncatedText } from "../text.ts";

/**
 * What one attribute means: puts its value into the draft.
 * Returns false when the attribute says more than the draft took, or nothing that the draft can take: then it stays in
 * spans.attributes.
 */
export type Mapping = (draft: SpanDraft, value: AttributeValue) => boolean;

/** One family of emitters' names, and what they mean here. Attributes that are not named stay as they are. */
export interface Dialect {
  name: string;
  attributes: Readonly<Record<string, Mapping>>;
}

type TextColumn = {
  [Column in keyof SpanRow]: string extends SpanRow[Column] ? Column : never;
}[Exclude<keyof SpanRow, "attributes" | "events" | "links">];
type NumberColumn = {
  [Column in keyof SpanRow]: null extends SpanRow[Column] ? (number extends SpanRow[Column] ? Column : never) : never;
}[keyof SpanRow];

/** Bytes of a value that names a group: twelve of them fit into one index entry of Postgres (2,704 bytes). */
export const GROUP_BYTES = 160;
/** Bytes of an id: session and agent together fit into one index entry. */
export const ID_BYTES = 400;

/** Far above what any model does in one call, and low enough that sums over all calls stay in 64 bits. */
export const MAX_COUNT = 1e11;

/** Text that is cut to what an index can hold. */
export function text(column: TextColumn, bytes = GROUP_BYTES): Mapping {
  return (draft, value) => {
    if (typeof value !== "string" || value === "") return false;
    const cut = boundedText(value, bytes);
    draft.row[column] = cut;
    return cut === value;
  };
}

export function integer(column: NumberColumn, max = MAX_COUNT): Mapping {
  return (draft, value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) return false;
    draft.row[column] = value;
    return true;
  };
}

/** A duration; `scale` turns its unit into milliseconds. */
export function milliseconds(column: NumberColumn, scale = 1): Mapping {
  return (draft, value) => {
    if (typeof value !== "number" || !(value >= 0 && value < MAX_COUNT)) return false;
    draft.row[column] = value * scale;
    return true;
  };
}

type DraftText = "sessionId" | "conversationId" | "genAiAgentId" | "parentAgentId" | "spawnedByToolCall" | "responseModel";

/** An id, or another text of the draft that has no column in spans. */
export function draftText(field: DraftText, bytes = ID_BYTES): Mapping {
  return (draft, value) => {
    if (typeof value !== "string" || value === "") return false;
    draft[field] = boundedText(value, bytes);
    return true;
  };
}

/** Cuts what an emitter's own reading put in to what the columns and their indexes can hold; ids have been cut already. */
export function boundDraft(draft: SpanDraft): void {
  const row = draft.row;
  for (const column of GROUPS) {
    const value = row[column];
    if (value !== null) row[column] = boundedText(value, GROUP_BYTES);
  }
  if (row.status_message !== null) row.status_message = redact(storableText(truncatedText(row.status_message, MAX_STATUS_CHARACTERS)));
  if (draft.responseModel !== null) draft.responseModel = boundedText(draft.responseModel, GROUP_BYTES);
  if (draft.spawnedByToolCall !== null) draft.spawnedByToolCall = boundedText(draft.spawnedByToolCall, GROUP_BYTES);
}

const MAX_STATUS_CHARACTERS = 4096;
const GROUPS = ["agent_name", "channel", "user_id", "tool_name", "tool_call_id", "provider", "request_model", "turn_id"] as const;
