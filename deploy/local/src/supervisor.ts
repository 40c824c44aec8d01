import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Database, type DatabaseEvent, openDatabase } from "./database.ts";
import { messageOf } from "./errors.ts";
import { endLeftBehind } from "./left-behind.ts";
import { type Lock, markOf, type RunningInstall, takeLock } from "./lock.ts";
import { DEFAULT_PART_LIMITS, type Part, type PartEvent, type PartLimits, type PartSpec, startPart } from "./part.ts";
import { partSpecs } from "./parts.ts";
import { describeTakenPorts, findTakenPorts } from "./ports.ts";
import { adoptablePort } from "./postgres.ts";
import { type Addresses, addressesOf, type Settings } from "./settings.ts";
import { ensureToken, prepareStateFolder, type StatePaths } from "./state-folder.ts";
import { ensureWebBuild } from "./web-build.ts";

/** The repository that this file is in. */
export const REPOSITORY_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** What happens while an install starts, runs and stops, for a terminal to show. */
export type UpEvent =
  | { kind: "step"; name: string; hint?: string }
  | { kind: "step-done"; name: string; detail?: string }
  | { kind: "note"; text: string }
  | { kind: "part"; name: string; event: PartEvent; logPath: string }
  | { kind: "postgres"; event: DatabaseEvent };

export interface UpOptions {
  settings: Settings;
  report: (event: UpEvent) => void;
  /** aborting it while the start goes on stops what has been started and rejects */
  signal?: AbortSignal;
  /** aborting it ends all parts with SIGKILL, while starting, running or stopping; Postgres is still stopped cleanly */
  hurry?: AbortSignal;
  root?: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  limits?: PartLimits;
}

export interface Install {
  paths: StatePaths;
  addresses: Addresses;
  database: Pick<Database, "kind" | "port" | "dir">;
  /** Everything in reverse order, Postgres last. Idempotent. */
  stop(): Promise<void>;
}

export type UpResult = { started: true; install: Install } | { started: false; running: RunningInstall };

/** Thrown when `signal` was aborted during the start. Everything started is stopped again. */
export class StartInterrupted extends Error {
  override readonly name = "StartInterrupted";
}

/**
 * Starts a whole install on one machine: Postgres, collector, scheduler, dashboard; each waited for, then supervised.
 * @returns the running install, or the one that already runs on this state folder
 * @throws SetupError when something is in the way; nothing is left running then.
 */
export async function up(options: UpOptions): Promise<UpResult> {
  const { settings, report, signal } = options;
  const root = options.root ?? REPOSITORY_ROOT;
  const paths = prepareStateFolder(settings.home);
  const addresses = addressesOf(settings);
  const result = takeLock(paths.lock, {
    state: "starting",
    startedAt: new Date().toISOString(),
    addresses,
    postgresPort: settings.databaseUrl === undefined ? settings.ports.postgres : null,
    parts: {},
  });
  if (!result.held) return { started: false, running: result.by };

  const stack = new StopStack(result.lock);
  const interrupted = () => {
    if (signal?.aborted) throw new StartInterrupted("interrupted");
  };
  const step = async <T>(name: string, work: () => Promise<T>, detail?: (value: T) => string | undefined, hint?: string): Promise<T> => {
    interrupted();
    report({ kind: "step", name, ...(hint === undefined ? {} : { hint }) });
    const value = await work();
    const text = detail?.(value);
    report({ kind: "step-done", name, ...(text === undefined ? {} : { detail: text }) });
    return value;
  };
  // Reaches a part that is being waited for, so that Ctrl-C does not wait out a deadline.
  signal?.addEventListener("abort", () => stack.interruptStart(), { once: true });
  options.hurry?.addEventListener("abort", () => stack.hurry(), { once: true });

  try {
    if (result.leftBehind) {
      const ended = await endLeftBehind(result.leftBehind.parts);
      if (ended.length > 0) report({ kind: "note", text: `An earlier start was killed; ended what it left behind: ${ended.join(", ")}.` });
    }
    const token = ensureToken(paths, settings.token);
    await refuseTakenPorts(settings, paths);
    const database = await step(
      "Postgres",
      () => openDatabase(settings, paths, (event) => report({ kind: "postgres", event })),
      ({ kind, port }) => (kind === "outside" ? "DATABASE_URL" : kind === "adopted" ? `adopted, port ${port}` : `port ${port}`),
    );
    stack.push(database);
    result.lock.update({ postgresPort: database.port });
    const build = await step(
      "dashboard build",
      () => ensureWebBuild(root, { ...(signal ? { signal } : {}), logPath: `${paths.logs}/web-build.log` }),
      ({ built }) => (built ? "made from these sources" : "unchanged, reused"),
      "made once, then reused until web/ changes",
    );
    const context = { root, settings, paths, addresses, token, database, webServer: build.serverPath };
    for (const spec of partSpecs({ ...context, env: options.env ?? process.env, cwd: options.cwd ?? process.cwd() })) {
      await step(
        spec.name,
        () => stack.startPart(spec, report, options.limits),
        () => spec.address,
      );
    }
    interrupted();
    result.lock.update({ state: "ready" });
    return { started: true, install: { paths, addresses, database, stop: () => stack.stop() } };
  } catch (error) {
    await stack.stop();
    throw signal?.aborted ? new StartInterrupted(messageOf(error)) : error;
  }
}

async function refuseTakenPorts(settings: Settings, paths: StatePaths): Promise<void> {
  const embedded = settings.databaseUrl === undefined;
  // One that an earlier start left on this very folder is adopted with its port.
  const ours = embedded && adoptablePort(paths.postgres) !== undefined;
  const taken = await findTakenPorts(settings.host, settings.ports, [
    ...(embedded && !ours ? (["postgres"] as const) : []),
    "otlp",
    "otlpGrpc",
    "scheduler",
    "web",
  ]);
  if (taken.length > 0) throw describeTakenPorts(taken);
}

/** What has been started, to be stopped in reverse order; and the lock, released last. */
class StopStack {
  readonly #lock: Lock;
  readonly #started: { stop(): Promise<void> }[] = [];
  readonly #parts: Part[] = [];
  readonly #interrupted = new AbortController();
  #marks: RunningInstall["parts"] = {};
  #stopped: Promise<void> | undefined;

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  push(started: { stop(): Promise<void> }): void {
    this.#started.push(started);
  }

  async startPart(spec: PartSpec, report: UpOptions["report"], limits: PartLimits = DEFAULT_PART_LIMITS): Promise<void> {
    const onEvent = (event: PartEvent) => {
      if (event.kind === "spawned") {
        this.#marks = { ...this.#marks, [spec.name]: markOf(event.pid) };
        this.#lock.update({ parts: this.#marks });
      } else report({ kind: "part", name: spec.name, event, logPath: spec.logPath });
    };
    const part = await startPart(spec, onEvent, limits, this.#interrupted.signal);
    this.#parts.push(part);
    this.#started.push(part);
  }

  /** Ends the part that is being waited for; those that are ready are left to `stop`. */
  interruptStart(): void {
    this.#interrupted.abort();
  }

  hurry(): void {
    this.#interrupted.abort();
    for (const part of this.#parts) part.kill();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    this.#lock.update({ state: "stopping" });
    for (const started of this.#started.toReversed()) {
      // One that cannot be stopped must not keep the others running.
      await started.stop().catch((error: unknown) => process.stderr.write(`signalbox: ${messageOf(error)}\n`));
    }
    this.#lock.release();
  }
}
