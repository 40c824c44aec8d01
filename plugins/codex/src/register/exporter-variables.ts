/**
 * How Codex's exporters send, which its config.toml cannot say: variables of OpenTelemetry's SDK for Rust, in the `.env` of Codex's
 * folder, which it loads as it starts. Measured with tests/bench/agent-turn.ts on Codex 0.169.0.
 *
 * By default 512 spans are written out at once, on one of the threads that carry the turn, and a turn's 512th ends just before its
 * answer; log records wait for a second, so that a short run waits for them at its end; and where a collector takes connections and
 * never answers, each batch holds the exit for 10 s, one after the other. Ours answers in milliseconds, on a machine with thirty times the
 * work it can do in 1.5 s.
 */
export const EXPORTER_VARIABLES: readonly { variable: string; value: string; name: string }[] = [
  { variable: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", value: "64", name: "spans, a batch" },
  // as many as its queue of 2,048 spans fills: where nothing answers all of them are waited for at a time, not one after the other
  { variable: "OTEL_BSP_MAX_CONCURRENT_EXPORTS", value: "32", name: "spans, batches at a time" },
  { variable: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", value: "3000", name: "spans, patience" },
  { variable: "OTEL_BLRP_SCHEDULE_DELAY", value: "100", name: "logs, delay" },
  { variable: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", value: "3000", name: "logs, patience" },
];
