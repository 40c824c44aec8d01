/**
 * Captures what the real Claude Code sends, scenario by scenario, into tests/fixtures/claude-code/<version>/.
 *
 *     node tests/agents/claude-code/record.ts [scenario…]
 *
 * The CLI is installed from npm (about 400 MB) into a folder of its own and runs isolated against a scripted provider, an OTLP
 * sink and a hook sink on loopback; all else goes to a proxy that refuses it and writes it down. Environment:
 * SIGNALBOX_CLAUDE_CODE_VERSION another version, SIGNALBOX_AGENTS_DIR where to install, SIGNALBOX_CAPTURE_PORT the first of
 * four ports (default 27320), TMPDIR where the agent's HOME is made.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../capture/fixture-format.ts";
import { ensureCli } from "../capture/install.ts";
import { FORWARD_HOOK } from "../capture/machine.ts";
import { recordAgent } from "../capture/record-agent.ts";
import { hookSettings } from "./hooks.ts";
import { SCENARIOS } from "./scenarios.ts";
import { messagesProvider } from "./script.ts";
import { KEEP, trimTranscript } from "./trim.ts";

await recordAgent({
  agent: "claude-code",
  cli: await ensureCli("claude", "@anthropic-ai/claude-code", process.env.SIGNALBOX_CLAUDE_CODE_VERSION ?? "2.1.329"),
  scenarios: SCENARIOS,
  port: 27_320,
  provider: messagesProvider,
  isCall: (path) => path === "/v1/messages",
  prepare(machine, { hooks }) {
    const config = join(machine.home, ".claude");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "settings.json"), JSON.stringify({ hooks: hookSettings(hooks, FORWARD_HOOK) }));
    writeFileSync(join(machine.project, "CLAUDE.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  },
  args: ({ prompt, resume, args = [] }, before) => [
    ...["-p", prompt, "--output-format", "json", "--model", "claude-sonnet-4-5", "--allowedTools", "Bash,Read,Agent,Task"],
    ...(resume ? ["--resume", sessionOf(before)] : []),
    ...args,
  ],
  env: ({ provider, otlp }) => ({
    ANTHROPIC_BASE_URL: provider,
    ANTHROPIC_API_KEY: "fake-key",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
    CLAUDE_CODE_PROPAGATE_TRACEPARENT: "1",
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
    OTEL_LOG_USER_PROMPTS: "1",
    OTEL_LOG_TOOL_DETAILS: "1",
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
    // Nothing to the vendor: no update check, no statistics, no error reports.
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  }),
  transcripts: ".claude/projects",
  keep: KEEP,
  trim: trimTranscript,
});

function sessionOf(run: RunRecord | undefined): string {
  const { session_id: id } = JSON.parse(run?.stdout ?? "{}") as { session_id?: string };
  if (id === undefined) throw new Error("the run before named no session to resume");
  return id;
}
