/**
 * Captures what the real Codex sends, scenario by scenario, into tests/fixtures/codex/<version>/.
 *
 *     node tests/agents/codex/record.ts [scenario…]
 *
 * The CLI is installed from npm (about 400 MB) into a folder of its own and runs isolated against a scripted provider, an OTLP
 * sink and a hook sink on loopback; all else goes to a proxy that refuses it and writes it down. Environment:
 * SIGNALBOX_CODEX_VERSION another version, SIGNALBOX_AGENTS_DIR where to install, SIGNALBOX_CAPTURE_PORT the first of four
 * ports (default 27420), TMPDIR where the agent's HOME is made.
 */
import { mkdirSync, writeFileSync } from "node:fs";
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
import { configFile, hooksFile } from "./config.ts";
import { type CodexRun, type CodexScenario, SCENARIOS } from "./scenarios.ts";
import { responsesProvider } from "./script.ts";
import { KEEP, trimTelemetry } from "./trim.ts";

const PORT = Number(process.env.SIGNALBOX_CAPTURE_PORT ?? 27_420);
const URLS = {
  provider: `http://127.0.0.1:${PORT}`,
  otlp: `http://127.0.0.1:${PORT + 1}`,
  hooks: `http://127.0.0.1:${PORT + 2}`,
  proxy: `http://127.0.0.1:${PORT + 3}`,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SCENARIOS));
if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(", ")}`);

const version = process.env.SIGNALBOX_CODEX_VERSION ?? "0.169.0";
const cli = await ensureCli("codex", "@openai/codex", version);

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await capture(name, scenario);
}

async function capture(name: string, scenario: CodexScenario): Promise<void> {
  const machine = freshMachine("codex");
  prepare(machine, scenario);
  const recording = startRecording();
  const respond = responsesProvider(scenario.tasks);
  const arrivals = new Map<number, () => void>();
  let asked = 0;
  const servers = [
    await startScriptedServer(PORT, recording, (request) => {
      if (request.path.endsWith("/responses")) {
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
  recordTranscripts(recording, machine.home, ".codex/sessions");
  const header = {
    agent: "codex" as const,
    version: cli.version,
    date: new Date().toISOString(),
    command: `node tests/agents/codex/record.ts ${name}`,
    scenario: name,
    about: scenario.about,
  };
  const records = leaveOut(recording.records, KEEP).map(trimTelemetry);
  const { bytes } = writeFixture(header, records, { texts: machineTexts(machine, cli.dir), words: machineWords() });
  console.error(`${name}: ${records.length} records, ${bytes} bytes`);
}

function prepare(machine: Machine, scenario: CodexScenario): void {
  const config = join(machine.home, ".codex");
  mkdirSync(config, { recursive: true });
  const forward = `node ${join(import.meta.dirname, "..", "capture", "forward-hook.ts")}`;
  writeFileSync(join(config, "config.toml"), configFile(URLS, scenario.otlpProtocol ?? "json"));
  writeFileSync(join(config, "hooks.json"), hooksFile(URLS.hooks, forward));
  writeFileSync(join(machine.project, "AGENTS.md"), "# Project memory\n\nThe favourite colour is teal.\n");
}

async function play(
  recording: Recording,
  machine: Machine,
  scenario: CodexScenario,
  run: CodexRun,
  arrived: (n: number) => Promise<void>,
): Promise<void> {
  const before = recording.records.findLast((record) => record.kind === "run") as RunRecord | undefined;
  const { interrupt } = run;
  // Hooks of a fresh HOME are untrusted and would silently not run.
  const options = [
    "--json",
    "--skip-git-repo-check",
    "--dangerously-bypass-hook-trust",
    ...(run.config ?? []).flatMap((value) => ["-c", value]),
  ];
  const args = run.resume ? ["exec", ...options, "resume", threadOf(before), run.prompt] : ["exec", ...options, run.prompt];
  await runCli(recording, {
    command: cli.bin,
    args,
    cwd: machine.project,
    env: { ...environment(machine), ...scenario.env },
    timeoutMs: run.timeoutMs ?? 120_000,
    ...(interrupt ? { interruptWhen: arrived(interrupt.afterRequest).then(() => sleep(interrupt.delayMs)) } : {}),
  });
}

function threadOf(run: RunRecord | undefined): string {
  for (const line of run?.stdout.split("\n") ?? []) {
    if (!line.startsWith("{")) continue;
    const event = JSON.parse(line) as { type?: string; thread_id?: string };
    if (event.type === "thread.started" && event.thread_id !== undefined) return event.thread_id;
  }
  throw new Error("the run before named no thread to resume");
}

function environment(machine: Machine): Record<string, string> {
  return {
    PATH: machine.path,
    HOME: machine.home,
    TMPDIR: machine.tmp,
    SCRIPTED_API_KEY: "fake-key",
    HTTPS_PROXY: URLS.proxy,
    HTTP_PROXY: URLS.proxy,
    NO_PROXY: "127.0.0.1,localhost",
  };
}
