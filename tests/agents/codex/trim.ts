import type { FixtureRecord } from "../capture/fixture-format.ts";
import type { Keep } from "../capture/leave-out.ts";

/** Codex exports more than a thousand spans a session; these tell the story. Tool spans are known by their attributes. */
const SPANS = new Set(["codex.exec", "turn/start", "session_task.turn", "run_sampling_request", "codex.compaction"]);
const METRICS = new Set([
  "codex.api_request",
  "codex.conversation.turn.count",
  "codex.multi_agent.spawn",
  "codex.thread.started",
  "codex.tool.call",
  "codex.turn.e2e_duration_ms",
  "codex.turn.token_usage",
  "codex.turn.tool.call",
  "codex.turn.ttft.duration_ms",
]);

export const KEEP: Keep = {
  span: ({ name, attributes }) => {
    // One span for each event of a stream: only the last carries tokens.
    if (name === "handle_responses") return attributes["gen_ai.usage.input_tokens"] !== undefined;
    return SPANS.has(name) || (attributes.call_id !== undefined && attributes["conversation.id"] !== undefined);
  },
  // One event for each chunk of a stream: only ends carry tokens or an error.
  log: ({ name, attributes }) => name !== "codex.sse_event" || !/\.(created|added|delta|done)$/.test(String(attributes["event.kind"])),
  metric: (name) => METRICS.has(name),
};

/** Attributes that say where in the vendor's source a span is, how its executor spent the time, which variables were set. */
export const NOISE_ATTRIBUTE = /^(code\.|busy_ns$|idle_ns$|target$|thread\.name$|auth\.env_)/;

/**
 * The record without attributes of `NOISE_ATTRIBUTE`, without span events that only repeat a log record (named after a source
 * line), and without fields that hold what OTLP means by their absence.
 */
export function trimTelemetry(record: FixtureRecord): FixtureRecord {
  return record.kind === "otlp" && record.signal !== "metrics" ? { ...record, body: trim(record.body) } : record;
}

function trim(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(trim);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, field]): [string, unknown] => [key, trim(wanted(key, field))])
      .filter(([key, field]) => !isDefault(key, field)),
  );
}

function wanted(key: string, field: unknown): unknown {
  if (!Array.isArray(field)) return field;
  if (key === "attributes") return field.filter((attribute: { key: string }) => !NOISE_ATTRIBUTE.test(attribute.key));
  if (key === "events") return field.filter((event: { name: string }) => !event.name.startsWith("event "));
  return field;
}

const isDefault = (key: string, field: unknown): boolean =>
  (/^dropped.*Count$/.test(key) && field === 0) ||
  (key === "traceState" && field === "") ||
  (/^(events|links)$/.test(key) && Array.isArray(field) && field.length === 0) ||
  (key === "status" && JSON.stringify(field) === '{"message":"","code":0}');
