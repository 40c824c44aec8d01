import type { FixtureRecord } from "../capture/fixture-format.ts";
import type { Keep } from "../capture/leave-out.ts";

/** Says for each configured hook that it exists and that it ran: the hook records show it better. */
const NOISE = new Set(["hook_registered", "hook_execution_start", "hook_execution_complete"]);

export const KEEP: Keep = { span: () => true, log: ({ name }) => !NOISE.has(name), metric: () => true };

/** Transcript entries that repeat the vendor's prompt: the line and its ids stay, the payload is replaced by its size. */
export function trimTranscript(record: FixtureRecord): FixtureRecord {
  if (record.kind !== "transcript" || record.entry === null || typeof record.entry !== "object") return record;
  const entry = record.entry as Record<string, unknown>;
  const sizeOf = (value: unknown) => `[… ${JSON.stringify(value).length} characters] of JSON`;
  switch (entry.type) {
    case "attachment": {
      const { rendered, ...rest } = entry;
      const { type } = (entry.attachment ?? {}) as { type?: string };
      return {
        ...record,
        entry: { ...rest, attachment: { type, cut: sizeOf(entry.attachment) }, ...(rendered ? { rendered: sizeOf(rendered) } : {}) },
      };
    }
    case "api-request-shape":
      return { ...record, entry: { ...entry, shape: sizeOf(entry.shape) } };
    case "api-request-blob":
      return { ...record, entry: { ...entry, message: sizeOf(entry.message) } };
    default:
      return record;
  }
}
