import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "../scenario.ts";
import type { FixtureHeader, FixtureRecord, RunRecord } from "./fixture-format.ts";
import { startGuardProxy } from "./guard-proxy.ts";
import { startHookSink } from "./hook-sink.ts";
import type { InstalledCli } from "./install.ts";
import { type Keep, leaveOut } from "./leave-out.ts";
import { freshMachine, type Machine, machineTexts, machineWords } from "./machine.ts";
import { startOtlpSink } from "./otlp-sink.ts";
import { type Recording, startRecording } from "./recording.ts";
import { runCli } from "./run-cli.ts";
import { type ProviderRequest, type Reply, startScriptedServer } from "./scripted-server.ts";
import { recordTranscripts } from "./transcripts.ts";
import { writeFixture } from "./write-fixture.ts";

/** Where the recorder's servers listen. */
export interface CaptureUrls {
  provider: string;
  otlp: string;
  hooks: string;
  proxy: string;
}

/** What is an agent's own about its captures. */
export interface Recorder<Plan, Played extends Scenario<Plan>> {
  agent: FixtureHeader["agent"];
  cli: InstalledCli;
  scenarios: Record<string, Played>;
  /** The first of four ports where the environment names none (SIGNALBOX_CAPTURE_PORT). */
  port: number;
  /** The provider's answers in a scenario. */
  provider(tasks: Played["tasks"]): (request: ProviderRequest) => Reply;
  isCall(path: string): boolean;
  /** Writes what a user would have configured. */
  prepare(machine: Machine, urls: CaptureUrls, scenario: Played): void;
  /** Arguments of a run, and of one that goes on with the session of the run before. */
  args(run: Played["runs"][number], before: RunRecord | undefined): string[];
  env(urls: CaptureUrls): Record<string, string>;
  /** Transcripts below the home. */
  transcripts: string;
  keep: Keep;
  trim(record: FixtureRecord): FixtureRecord;
}

const TIMEOUT_MS = 180_000;

/** Captures the scenarios that the command line names, all where it names none. Throws on a name that there is not. */
export async function recordAgent<Plan, Played extends Scenario<Plan>>(recorder: Recorder<Plan, Played>): Promise<void> {
  const { scenarios } = recorder;
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !(name in scenarios));
  if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(scenarios).join(", ")}`);
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (wanted.length === 0 || wanted.includes(name)) await capture(recorder, name, scenario);
  }
}

async function capture<Plan, Played extends Scenario<Plan>>(
  recorder: Recorder<Plan, Played>,
  name: string,
  scenario: Played,
): Promise<void> {
  const { agent, cli } = recorder;
  const port = Number(process.env.SIGNALBOX_CAPTURE_PORT ?? recorder.port);
  const [provider, otlp, hooks, proxy] = [0, 1, 2, 3].map((n) => `http://127.0.0.1:${port + n}`) as [string, string, string, string];
  const urls: CaptureUrls = { provider, otlp, hooks, proxy };
  const machine = freshMachine(agent);
  recorder.prepare(machine, urls, scenario);
  const recording = startRecording();
  const respond = recorder.provider(scenario.tasks);
  const arrivals = new Map<number, () => void>();
  let asked = 0;
  const servers = [
    await startScriptedServer(port, recording, (request) => {
      if (recorder.isCall(request.path)) {
        asked += 1;
        arrivals.get(asked)?.();
      }
      return respond(request);
    }),
    await startOtlpSink(port + 1, recording),
    await startHookSink(port + 2, recording, scenario.hookAnswer),
    await startGuardProxy(port + 3, recording),
  ];
  try {
    for (const run of scenario.runs) {
      const { interrupt } = run;
      const from = asked;
      const arrived = (n: number) => new Promise<void>((resolve) => arrivals.set(from + n, resolve));
      await runCli(recording, {
        command: cli.bin,
        args: recorder.args(run, lastRun(recording)),
        cwd: machine.project,
        env: { ...isolated(machine, urls), ...recorder.env(urls), ...scenario.env },
        timeoutMs: TIMEOUT_MS,
        ...(interrupt ? { interruptWhen: arrived(interrupt.afterRequest).then(() => sleep(interrupt.delayMs)) } : {}),
      });
    }
    await recording.quiet(500, 5_000);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
  recordTranscripts(recording, machine.home, recorder.transcripts);
  const header = {
    agent,
    version: cli.version,
    date: new Date().toISOString(),
    command: `node tests/agents/${agent}/record.ts ${name}`,
    scenario: name,
    about: scenario.about,
  };
  const records = leaveOut(recording.records, recorder.keep).map((record) => recorder.trim(record));
  const { bytes } = writeFixture(header, records, { texts: machineTexts(machine, cli.dir), words: machineWords() });
  console.error(`${name}: ${records.length} records, ${bytes} bytes`);
}

const lastRun = ({ records }: Recording) => records.findLast((record): record is RunRecord => record.kind === "run");

const isolated = (machine: Machine, { proxy }: CaptureUrls): Record<string, string> => ({
  PATH: machine.path,
  HOME: machine.home,
  TMPDIR: machine.tmp,
  HTTPS_PROXY: proxy,
  HTTP_PROXY: proxy,
  NO_PROXY: "127.0.0.1,localhost",
});
