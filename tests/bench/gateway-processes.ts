/** The processes of the gateway's benchmarks, each of its own: the scheduler before a mock engine that takes its spans too. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface Served {
  /** Without a path. */
  url: string;
  process: ChildProcess;
}

export interface GatewayProcesses {
  /** A folder of its own, removed at the end. */
  home: string;
  mock: Served;
  scheduler: Served;
  /** A further server; `pattern` finds its port in what it prints. */
  start(file: string, options?: StartOptions): Promise<Served>;
  stop(): void;
}

export interface StartOptions {
  args?: string[];
  environment?: Record<string, string>;
  nodeFlags?: string[];
  /** Another Node than ours. */
  node?: string;
  pattern?: RegExp;
  /** It and all its threads stay on this core. */
  core?: number | undefined;
}

export interface GatewayOptions {
  /** Of the scheduler. */
  nodeFlags?: string[];
  /** Whether it keeps the bytes of calls. */
  raw?: boolean;
  /** Where the mock stays, and where the scheduler. */
  cores?: { mock: number; scheduler: number } | undefined;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export async function startGateway({ nodeFlags = [], raw = false, cores }: GatewayOptions = {}): Promise<GatewayProcesses> {
  const home = mkdtempSync(path.join(os.tmpdir(), "signalbox-bench-"));
  const started: ChildProcess[] = [];
  const stop = () => {
    for (const child of started) child.kill("SIGTERM");
    rmSync(home, { recursive: true, force: true });
  };

  async function start(file: string, options: StartOptions = {}): Promise<Served> {
    const { args = [], environment = {}, nodeFlags: flags = [], node = process.execPath, pattern = /^(\d+)$/m, core } = options;
    const command = [node, ...flags, path.isAbsolute(file) ? file : here(file), ...args];
    if (core !== undefined) command.unshift("taskset", "-c", String(core));
    const child = spawn(command[0] as string, command.slice(1), {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    started.push(child);
    return { url: `http://127.0.0.1:${await firstMatch(child, pattern)}`, process: child };
  }

  try {
    const mock = await start("./gateway-mock.ts", { core: cores?.mock });
    const config = path.join(home, "signalbox.config.yaml");
    writeFileSync(
      config,
      `pools:
  - name: bench
    silicon: cloud
    engine: openai-compatible
    base_url: ${mock.url}/v1
    slots: 64
    models: [{ id: bench, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
baseline: { model: claude-opus-4-6 }
content: { raw: ${raw ? "on" : "off"} }
`,
    );
    const scheduler = await start("../../scheduler/src/main.ts", {
      environment: {
        SIGNALBOX_CONFIG: config,
        SIGNALBOX_HOME: home,
        SIGNALBOX_SCHEDULER_PORT: "0",
        SIGNALBOX_OTLP_ENDPOINT: mock.url,
      },
      nodeFlags,
      core: cores?.scheduler,
      pattern: /url=http:\/\/127\.0\.0\.1:(\d+)/,
    });
    return { home, mock, scheduler, start, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Its streams are read on, so that it never waits for us. */
function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (chunk: Buffer) => {
      text = (text + chunk).slice(-10_000);
      const found = pattern.exec(text)?.[1];
      if (found) resolve(found);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}
