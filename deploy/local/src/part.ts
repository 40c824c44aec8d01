import { type ChildProcess, spawn } from "node:child_process";
import { getPriority, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { SetupError } from "./errors.ts";
import { openLogFile } from "./log-file.ts";
import { waitUntilReady } from "./readiness.ts";

/** How to run one service. */
export interface PartSpec {
  /** also the name of its log file */
  name: string;
  /** arguments to node: the script, and what it takes */
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** its own address; `/readyz` there tells when it can work */
  address: string;
  logPath: string;
  /** how far it steps back for other programs, as nice(1) counts; default: not at all */
  niceness?: number;
}

export interface PartLimits {
  /** from spawn to the first 200 of /readyz */
  readyDeadlineMs: number;
  /** from SIGTERM to SIGKILL; parts drain for at most 5 s */
  stopDeadlineMs: number;
  /** wait before the first restart; doubled each time up to maxBackoffMs */
  backoffMs: number;
  maxBackoffMs: number;
  /** this many deaths in a row, each within quickDeathMs of its start, and the part is given up */
  maxQuickDeaths: number;
  quickDeathMs: number;
}

export const DEFAULT_PART_LIMITS: PartLimits = {
  readyDeadlineMs: 60_000,
  stopDeadlineMs: 7_000,
  backoffMs: 500,
  maxBackoffMs: 15_000,
  maxQuickDeaths: 5,
  quickDeathMs: 30_000,
};

export type PartEvent =
  | { kind: "spawned"; pid: number }
  | { kind: "died"; how: string; restartInMs: number }
  | { kind: "back"; pid: number; afterMs: number }
  | { kind: "gave-up"; how: string; deaths: number; lastLines: readonly string[] }
  | { kind: "warning"; line: string };

export interface Part {
  readonly name: string;
  readonly pid: number | undefined;
  /** SIGTERM, then SIGKILL to its whole process group after the deadline. Idempotent; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL to its whole process group, now. */
  kill(): void;
}

const PARENT_WATCH = fileURLToPath(new URL("./parent-watch.ts", import.meta.url));
/** The exit codes with which a part says that the user can put it right; its error lines say how. */
const SPEAKING_EXIT_CODES: Readonly<Record<number, string>> = { 78: "config", 98: "port_taken" };
const LAST_LINES = 12;

/**
 * Starts a part, waits until it is ready, and keeps it running from then on.
 * @param giveUp ends the part at once when it aborts before the part was ready
 * @throws SetupError when it dies or misses the deadline before it was ready once; it is not running then.
 */
export async function startPart(
  spec: PartSpec,
  report: (event: PartEvent) => void,
  limits: PartLimits = DEFAULT_PART_LIMITS,
  giveUp: AbortSignal = new AbortController().signal,
): Promise<Part> {
  const log = openLogFile(spec.logPath);
  const tail: string[] = [];
  let child: ChildProcess | undefined;
  let spawnedAt = 0;
  let wasReady = false;
  let stopping = false;
  let quickDeaths = 0;
  let restartTimer: NodeJS.Timeout | undefined;
  let stopped: Promise<void> | undefined;
  let onEarlyExit: (exit: EarlyExit) => void = () => {};

  const takeLine = (line: string) => {
    log.write(`${line}\n`);
    if (line.trim() === "") return;
    tail.push(line);
    if (tail.length > LAST_LINES) tail.shift();
    // What it says as it fails to start is in the failure itself.
    if (looksLikeWarning(line) && (wasReady || !isErrorLine(line))) report({ kind: "warning", line });
  };

  const run = () => {
    spawnedAt = performance.now();
    tail.length = 0;
    const started = spawn(process.execPath, ["--import", PARENT_WATCH, ...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env, SIGNALBOX_SUPERVISOR_PID: String(process.pid) },
      // A process group of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops the parts in order;
      // and what a part has forked can be ended with it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    child = started;
    stepBack(started, spec.niceness);
    splitLines(started.stdout, takeLine);
    splitLines(started.stderr, takeLine);
    started.once("error", (error) => takeLine(`cannot start ${process.execPath}: ${error.message}`));
    // Workers that outlived it hold its pipes open, and would keep 'close' from coming.
    started.once("exit", () => killGroup(started));
    // 'close' rather than 'exit': its last words have been read by then.
    started.once("close", onClose);
    if (started.pid !== undefined) report({ kind: "spawned", pid: started.pid });
  };

  const onClose = (code: number | null, signal: NodeJS.Signals | null) => {
    if (stopping) return;
    const how = signal ? `killed by ${signal}` : `exit code ${code}`;
    if (!wasReady) return onEarlyExit({ code, how });
    quickDeaths = performance.now() - spawnedAt < limits.quickDeathMs ? quickDeaths + 1 : 1;
    if (quickDeaths >= limits.maxQuickDeaths) {
      report({ kind: "gave-up", how, deaths: quickDeaths, lastLines: [...tail] });
      return;
    }
    const restartInMs = Math.min(limits.backoffMs * 2 ** (quickDeaths - 1), limits.maxBackoffMs);
    report({ kind: "died", how, restartInMs });
    const diedAt = performance.now();
    restartTimer = setTimeout(() => {
      run();
      const revived = child;
      void waitUntilReady(spec.address, limits.readyDeadlineMs, closedSignal(revived)).then((readiness) => {
        if (stopping || child !== revived || revived?.pid === undefined) return;
        if (readiness.ready) report({ kind: "back", pid: revived.pid, afterMs: performance.now() - diedAt });
        else killGroup(revived); // hangs: its end brings the next try
      });
    }, restartInMs);
  };

  const stop = () => {
    stopping = true;
    clearTimeout(restartTimer);
    stopped ??= endChild(child, limits.stopDeadlineMs).then(() => log.close());
    return stopped;
  };

  const early = new Promise<EarlyExit>((resolve) => {
    onEarlyExit = resolve;
  });
  run();
  const kill = () => killGroup(child);
  giveUp.addEventListener("abort", kill, { once: true });
  if (giveUp.aborted) kill();
  const outcome = await Promise.race([early, waitUntilReady(spec.address, limits.readyDeadlineMs, closedSignal(child))]);
  giveUp.removeEventListener("abort", kill);
  if ("how" in outcome || !outcome.ready) {
    // The two race when it dies: its exit says more than the aborted wait.
    const exit = "how" in outcome ? outcome : hasEnded(child) ? await early : undefined;
    await stop();
    if (exit) throw describeExit(spec, exit, tail);
    const reason = "reason" in outcome ? outcome.reason : "";
    throw describeFailure(spec, `not ready after ${limits.readyDeadlineMs / 1000} s: ${reason}`, tail);
  }
  wasReady = true;
  return {
    name: spec.name,
    get pid() {
      return child?.pid;
    },
    stop,
    kill() {
      stopping = true;
      clearTimeout(restartTimer);
      killGroup(child);
    },
  };
}

interface EarlyExit {
  code: number | null;
  how: string;
}

function describeExit(spec: PartSpec, { code, how }: EarlyExit, tail: readonly string[]): SetupError {
  const errorCode = SPEAKING_EXIT_CODES[code ?? 0];
  const words = tail.filter(isErrorLine).map((line) => line.replace(/^\S+ error (\S+ )?/, ""));
  return errorCode !== undefined && words.length > 0 ? new SetupError(errorCode, words.join("\n")) : describeFailure(spec, how, tail);
}

function describeFailure(spec: PartSpec, how: string, tail: readonly string[]): SetupError {
  const words = tail.map((line) => `    ${line}`).join("\n");
  return new SetupError(
    "part_failed",
    `The ${spec.name} did not start (${how}). Its last words, from ${spec.logPath}:\n${words === "" ? "    (none)" : words}`,
  );
}

/** The log format of every part is `<time> <level> <part> …`. */
const isErrorLine = (line: string) => /^\S+ error /.test(line);

/** Those, and what Next and a crashing Node write. */
function looksLikeWarning(line: string): boolean {
  return /^\S+ (warn|error) /.test(line) || /^\s*⨯ /.test(line) || /^(Uncaught|\w*Error:|node:internal)/.test(line);
}

async function endChild(child: ChildProcess | undefined, deadlineMs: number): Promise<void> {
  if (!child || hasEnded(child)) return;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => killGroup(child), deadlineMs);
  await closed;
  clearTimeout(timer);
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // the whole group is gone
  }
}

const hasEnded = (child: ChildProcess | undefined) =>
  child === undefined || child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** Aborts when the process has ended. */
function closedSignal(child: ChildProcess | undefined): AbortSignal {
  const controller = new AbortController();
  if (hasEnded(child)) controller.abort();
  child?.once("close", () => controller.abort());
  return controller.signal;
}

/** Longer lines are cut: a part that writes one endless line must not fill our memory. */
const MAX_LINE_LENGTH = 64 * 1024;

function splitLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  if (!stream) return;
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_LENGTH);
    for (const line of lines) onLine(line.slice(0, MAX_LINE_LENGTH));
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
    rest = "";
  });
}

/** Never forward: only root may, where the supervisor itself was told to step back further. */
function stepBack({ pid }: ChildProcess, niceness = 0): void {
  if (pid === undefined || niceness <= getPriority()) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // it has ended already, which is told elsewhere
  }
}
