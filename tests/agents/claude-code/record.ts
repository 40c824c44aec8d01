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
import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../capture/fixture-format.ts";
import { startGuardProxy } from "../capture/guard-proxy.ts";
import { startHookSink } from "../capture/hook-sink.ts";
import { ensureCli } from "../capture/install.ts";
import { leaveOut } from "../capture/leave-out.ts";
import { freshMachine, type Machine, machineTexts, machineWords } from "../capture/machine.ts";
import { startOtlpSink } from "../capture/otlp-sink.ts";
import { type Recording, startRecording } from "../capture/recording.ts";
import { runCli } from "../capture/run-cli.ts";
import { startScriptedServer } from "../capture/scripted-server.ts";
import { recordTranscripts } from "../capture/transcripts.ts";
import { writeFixture } from "../capture/write-fixture.ts";
import { hookSettings } from "./hooks.ts";
import { type ClaudeCodeRun, type ClaudeCodeScenario, SCENARIOS } from "./scenarios.ts";
import { messagesProvider } from "./script.ts";
import { KEEP, trimTranscript } from "./trim.ts";

const PORT = Number(process.env.SIGNALBOX_CAPTURE_PORT ?? 27_320);
const URLS = {
  provider: `http://127.0.0.1:${PORT}`,
  otlp: `http://127.0.0.1:${PORT + 1}`,
  hooks: `http://127.0.0.1:${PORT + 2}`,
  proxy: `http://127.0.0.1:${PORT + 3}`,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SCENARIOS));
if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(", ")}`);

const version = process.env.SIGNALBOX_CLAUDE_CODE_VERSION ?? "2.1.329";
const cli = await ensureCli("claude", "@anthropic-ai/claude-code", version);

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await capture(name, scenario);
}

async function capture(name: string, scenario: ClaudeCodeScenario): Promise<void> {
  const machine = freshMachine("claude-code");
  await prepare(machine);
  const recording = startRecording();
  const respond = messagesProvider(scenario.tasks);
  const arrivals = new Map<number, () => void>();
  let asked = 0;
  const servers = [
    await startScriptedServer(PORT, recording, (request) => {
      if (request.path === "/v1/messages") {
        asked += 1;
        arrivals.get(asked)?.();
      }
      return respond(request);
    }),
    await startOtlpSink(PORT + 1, recording),
    await startHookSink(PORT + 2, recording, scenario.hookAnswer),
    await startGuardProxy(PORT + 3, recording),
  ];
  try {
    for (const run of scenario.runs) {
      const from = asked;
      const arrived = (n: number) => new Promise<void>((resolve) => arrivals.set(from + n, resolve));
      await play(recording, machine, scenario, run, arrived);
    }
    await recording.quiet(500, 5_000);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
  recordTranscripts(recording, machine.home, ".claude/projects");
  const header = {
    agent: "claude-code" as const,
    version: cli.version,
    date: new Date().toISOString(),
    command: `node tests/agents/claude-code/record.ts ${name}`,
    scenario: name,
    about: scenario.about,
  };
  const records = leaveOut(recording.records, KEEP).map(trimTranscript);
  const { bytes } = writeFixture(header, records, { texts: machineTexts(machine, cli.dir), words: machineWords() });
  console.error(`${name}: ${records.length} records, ${bytes} bytes`);
}

async function prepare(machine: Machine): Promise<void> {
  const config = join(machine.home, ".claude");
  await mkdir(config, { recursive: true });
  const forward = `node ${join(import.meta.dirname, "..", "capture", "forward-hook.ts")}`;
  writeFileSync(join(config, "settings.json"), JSON.stringify({ hooks: hookSettings(URLS.hooks, forward) }));
  writeFileSync(join(machine.project, "CLAUDE.md"), "# Project memory\n\nThe favourite colour is teal.\n");
}

async function play(
  recording: Recording,
  machine: Machine,
  scenario: ClaudeCodeScenario,
  run: ClaudeCodeRun,
  arrived: (n: number) => Promise<void>,
): Promise<void> {
  const before = recording.records.findLast((record) => record.kind === "run") as RunRecord | undefined;
  const resumed = run.resume ? ["--resume", sessionOf(before)] : [];
  const { interrupt } = run;
  await runCli(recording, {
    command: cli.bin,
    args: [
      "-p",
      run.prompt,
      "--output-format",
      "json",
      "--model",
      "claude-sonnet-4-5",
      "--allowedTools",
      "Bash,Read,Agent,Task",
      ...resumed,
      ...(run.args ?? []),
    ],
    cwd: machine.project,
    env: { ...environment(machine), ...scenario.env },
    timeoutMs: 180_000,
    ...(interrupt ? { interruptWhen: arrived(interrupt.afterRequest).then(() => sleep(interrupt.delayMs)) } : {}),
  });
}

function sessionOf(run: RunRecord | undefined): string {
  const { session_id: id } = JSON.parse(run?.stdout ?? "{}") as { session_id?: string };
  if (id === undefined) throw new Error("the run before named no session to resume");
  return id;
}

function environment(machine: Machine): Record<string, string> {
  return {
    PATH: machine.path,
    HOME: machine.home,
    TMPDIR: machine.tmp,
    ANTHROPIC_BASE_URL: URLS.provider,
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
    OTEL_EXPORTER_OTLP_ENDPOINT: URLS.otlp,
    OTEL_LOG_USER_PROMPTS: "1",
    OTEL_LOG_TOOL_DETAILS: "1",
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
    // Nothing to the vendor: no update check, no statistics, no error reports.
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    HTTPS_PROXY: URLS.proxy,
    HTTP_PROXY: URLS.proxy,
    NO_PROXY: "127.0.0.1,localhost",
  };
}
