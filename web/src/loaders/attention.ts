import type { AttentionItem, AttentionPage } from "../api/attention.ts";
import { type DestinationStatus, droppedOf } from "../api/settings.ts";
import { toAttentionItem } from "../model/to-api.ts";
import { attention } from "../queries/attention.ts";
import { fanOutStatus } from "../server/collector.ts";
import { read } from "../server/database.ts";
import { scopedProject } from "../server/project-scope.ts";

const DAY_MS = 86_400_000;

export async function loadAttention(): Promise<AttentionPage> {
  const [rows, destinations] = await Promise.all([read(attention), scopedProject() === undefined ? fanOutStatus() : []]);
  return { data: [...rows.map(toAttentionItem), ...destinations.flatMap(failedExport)], next: null };
}

/** A destination that does not answer, or that lost spans within the last day. */
function failedExport(status: DestinationStatus): AttentionItem[] {
  const { name, state, last_failure: failure } = status;
  const dropped = droppedOf(status);
  if (failure === null || (state !== "down" && (dropped === 0 || Date.now() - Date.parse(failure.at) > DAY_MS))) return [];
  return [
    {
      kind: "export",
      session_id: null,
      label: name,
      count: dropped || status.queued_spans,
      of: null,
      detail: failure.reason,
      time: failure.at,
    },
  ];
}
