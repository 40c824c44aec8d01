/**
 * What-if: stored decisions played through the config in force and through an edited one, by the simulator in a process of its own. One
 * at a time; the last one is kept until the next begins. Nothing is written but two files in a private folder that is removed at the end.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** As the control API shows it. Times are ISO 8601. */
export interface Simulation {
  id: string;
  state: "running" | "done" | "failed" | "cancelled";
  hours: number;
  started_at: string;
  ended_at: string | null;
  /** 0 to 1; reading the decisions is not counted. */
  progress: number;
  /** Why it failed. */
  error: string | null;
  /** What `signalbox simulate --against --json` prints: `runs` of the config in force, `against` of the edited one. */
  result: unknown;
}

export interface SimulationRequest {
  hours: number;
  now: string;
  edited: string;
}

export interface Simulations {
  readonly last: Simulation | undefined;
  /** @returns undefined where one runs already */
  start(request: SimulationRequest): Simulation | undefined;
  /** Ends the one that runs, if it is this one. */
  cancel(id: string): void;
  close(): Promise<void>;
}

export interface SimulationLimits {
  /** Of a window's decisions the newest are played. */
  decisions: number;
  milliseconds: number;
  heapMegabytes: number;
}

const DEFAULT_LIMITS: SimulationLimits = { decisions: 100_000, milliseconds: 300_000, heapMegabytes: 1024 };
const SIMULATOR = fileURLToPath(new URL("../simulator/main.ts", import.meta.url));
const MAX_ERROR_CHARACTERS = 2_000;

export function createSimulations(databaseUrl: string, limits: SimulationLimits = DEFAULT_LIMITS): Simulations {
  let last: Simulation | undefined;
  let child: ChildProcess | undefined;
  let running: Promise<void> = Promise.resolve();

  async function run(simulation: Simulation, { hours, now, edited }: SimulationRequest): Promise<void> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-what-if-"));
    try {
      const files = { now: path.join(folder, "now.yaml"), edited: path.join(folder, "edited.yaml"), chart: path.join(folder, "chart.svg") };
      await writeFile(files.now, now, { mode: 0o600 });
      await writeFile(files.edited, edited, { mode: 0o600 });
      if (simulation.state !== "running") return;
      const args = ["--policy", files.now, "--against", files.edited, "--from-decisions", `last-${hours}h`, "--chart", files.chart];
      const simulator = spawn(
        process.execPath,
        [`--max-old-space-size=${limits.heapMegabytes}`, SIMULATOR, ...args, "--most", String(limits.decisions), "--progress", "--json"],
        { env: { ...process.env, DATABASE_URL: databaseUrl }, stdio: ["ignore", "pipe", "pipe"], timeout: limits.milliseconds },
      );
      child = simulator;
      const { code, output, errors } = await outcomeOf(simulator, (percent) => Object.assign(simulation, { progress: percent / 100 }));
      if (simulation.state !== "running") return;
      if (code === 0) Object.assign(simulation, { state: "done", progress: 1, result: JSON.parse(output) });
      else if (code === null) fail(simulation, `it did not end within ${limits.milliseconds / 1000} s`);
      else fail(simulation, saidIn(output) ?? (errors || `it ended with code ${code}`));
    } catch (error) {
      fail(simulation, (error as Error).message);
    } finally {
      child = undefined;
      simulation.ended_at = new Date().toISOString();
      await rm(folder, { recursive: true, force: true });
    }
  }

  const stop = (simulation: Simulation) => {
    simulation.state = "cancelled";
    child?.kill("SIGKILL");
  };

  return {
    get last() {
      return last;
    },
    start(request) {
      if (last && last.ended_at === null) return undefined;
      last = {
        id: randomUUID(),
        state: "running",
        hours: request.hours,
        started_at: new Date().toISOString(),
        ended_at: null,
        progress: 0,
        error: null,
        result: null,
      };
      running = run(last, request);
      return last;
    },
    cancel(id) {
      if (last?.id === id && last.state === "running") stop(last);
    },
    async close() {
      if (last?.state === "running") stop(last);
      await running;
    },
  };
}

function fail(simulation: Simulation, reason: string): void {
  if (simulation.state !== "running") return;
  Object.assign(simulation, { state: "failed", error: reason.slice(0, MAX_ERROR_CHARACTERS) });
}

/** What it says is wrong. Undefined where it died without a word: what is on stderr then tells. */
function saidIn(output: string): string | undefined {
  return output === "" ? undefined : (JSON.parse(output) as { error: { message: string } }).error.message;
}

/** `code` is null where a signal ended it. `errors`: what it said on stderr, without its own name. */
async function outcomeOf(child: ChildProcess, onPercent: (percent: number) => void) {
  let output = "";
  const errors: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  if (child.stderr) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, percent] = /^progress (\d+)$/.exec(line) ?? [];
      if (percent !== undefined) onPercent(Number(percent));
      else if (errors.length < 20) errors.push(line.replace(/^simulate: /, ""));
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { code, output, errors: errors.join("\n") };
}
