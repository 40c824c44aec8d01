import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";

const SIGNALBOX = path.resolve(import.meta.dirname, "../../plugins/cli/bin/signalbox.mjs");

type Env = Record<string, string | undefined>;

/** A state folder and ports of a test's own. */
export interface Place {
  home: string;
  env: Env;
  ports: { otlp: number; otlpGrpc: number; scheduler: number; web: number; postgres: number };
  remove(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const home = await mkdtemp(path.join(tmpdir(), "signalbox-up-"));
  const ports = {
    otlp: await freePort(),
    otlpGrpc: await freePort(),
    scheduler: await freePort(),
    web: await freePort(),
    postgres: await freePort(),
  };
  const { DATABASE_URL: _url, SIGNALBOX_TOKEN: _token, SIGNALBOX_CONFIG: _config, npm_execpath: _npm, ...inherited } = process.env;
  return {
    home,
    ports,
    env: {
      ...inherited,
      SIGNALBOX_HOME: home,
      // Whatever this machine has, a test's pools are the demo's.
      SIGNALBOX_DISCOVERY: "off",
      SIGNALBOX_OTLP_PORT: String(ports.otlp),
      SIGNALBOX_OTLP_GRPC_PORT: String(ports.otlpGrpc),
      SIGNALBOX_SCHEDULER_PORT: String(ports.scheduler),
      SIGNALBOX_WEB_PORT: String(ports.web),
      SIGNALBOX_POSTGRES_PORT: String(ports.postgres),
    },
    async remove() {
      // Root's Postgres may not enter a closed folder: then the cluster is elsewhere, and this is a link to it.
      const cluster = await realpath(path.join(home, "postgres")).catch(() => undefined);
      if (cluster !== undefined) await rm(cluster, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A `signalbox` command that runs. */
export interface Running {
  child: ChildProcess;
  pid: number;
  output(): string;
  /** Resolves when the output matches; rejects when the command ends before, or after `timeoutMs`. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export function start(place: Pick<Place, "env">, args: readonly string[], extra: Env = {}): Running {
  const child = spawn(process.execPath, [SIGNALBOX, ...args], {
    env: { ...place.env, ...extra, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  let ended = false;
  void exit.then(() => {
    ended = true;
  });
  return {
    child,
    pid: child.pid ?? -1,
    output: () => output,
    exit,
    async until(pattern, timeoutMs = 90_000) {
      for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(20)) {
        if (pattern.test(output)) return output;
        if (ended) throw new Error(`ended before ${pattern} was seen:\n${output}`);
      }
      throw new Error(`${pattern} was not seen within ${timeoutMs} ms:\n${output}`);
    },
    async end(signal) {
      child.kill(signal);
      return exit;
    },
  };
}

/** Runs a command to its end. */
export async function run(
  place: Pick<Place, "env">,
  args: readonly string[],
  extra: Env = {},
): Promise<{ code: number | null; output: string }> {
  const running = start(place, args, extra);
  const { code } = await running.exit;
  return { code, output: running.output() };
}

export interface Seen {
  pid: number;
  command: string;
}

/**
 * Every process that belongs to a place: it carries the state folder in its environment or its command line, as all of ours
 * and all that they start do. Zombies count: they would be ours to reap.
 */
export function processesOf(place: Place): Seen[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
      const ours =
        command.includes(place.home) ||
        command.includes(clusterOf(place)) ||
        read(`/proc/${name}/environ`).split("\0").includes(`SIGNALBOX_HOME=${place.home}`);
      return ours ? [{ pid: Number(name), command }] : [];
    });
}

/** Root's Postgres changes its environment and its place: its real folder tells it apart. */
function clusterOf(place: Place): string {
  const link = path.join(place.home, "postgres");
  return existsSync(link) ? realpathSync(link) : link;
}

/** Those of `pids` that are still in the process table. */
export const stillThere = (pids: readonly number[]) => pids.filter((pid) => existsSync(`/proc/${pid}`));

/** Waits until a condition holds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(50)) if (await condition()) return;
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}

export const readLockFile = (place: Place) =>
  JSON.parse(readFileSync(path.join(place.home, "signalbox.lock"), "utf8")) as { pid: number; parts: Record<string, { pid: number }> };

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
