import { open, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { ControlOutcome } from "@signalbox/otel/control-client";
import { object, text } from "@signalbox/otel/history";
import { descendantsOf, followKills, interrupt, type LocalProcess, startOf, untilGone } from "@signalbox/otel/local-processes";
import { addressesOf, connectAppServer, interruptTurns } from "./running-app-server.ts";

export interface LocalRunsOptions {
  /** `~/.codex` or CODEX_HOME. */
  codexHome: string;
  schedulerUrl: string;
  /** The admin token. */
  token: string;
}

/**
 * Carries a kill into the Codex processes of this machine and user. `codex exec` gets SIGINT, which ends it and the commands that it runs.
 * An app-server that listens (the daemon that `codex` at a terminal shares, or one for `--remote`) is asked to interrupt the session's
 * turns, and lives on. One that an editor drives through its standard input, and a terminal of `--no-daemon`, are left alone: nobody else can
 * ask them anything, and the gateway refuses their next call.
 */
export const stopLocalRuns = ({ codexHome, ...control }: LocalRunsOptions): { close(): Promise<void> } =>
  followKills({ agent: "codex", ...control, stop: (session) => stopRuns(codexHome, session) });

/** A process keeps the lock of each of its threads open, and their rollouts (0.169.0). */
interface Holder extends LocalProcess {
  rollout: string | undefined;
  /** `codex exec`: nobody sits at it. The rollout tells only how the thread began, and it may have been resumed. */
  headless: boolean;
}

/** A call that the gateway closed ends the run, with the reason in its output: by a signal it would say nothing. */
const BY_ITSELF_MS = 400;

/** Ends the `codex exec` of a session, where a sub-agent's thread ends with its root's alone, or its turns in an app-server. Never throws. */
export async function stopRuns(codexHome: string, session: string, byItselfMs = BY_ITSELF_MS): Promise<ControlOutcome> {
  // a thread's id is part of a path
  if (!/^[0-9a-f-]{36}$/.test(session)) return { outcome: "absent" };
  const lock = await realpath(join(codexHome, "thread-writer-locks", `${session}.lock`)).catch(() => undefined);
  const holders = lock === undefined ? [] : await holdersOf(lock, session);
  if (holders.length === 0) return { outcome: "absent" };
  for (const { pid, rollout, headless } of holders) {
    if (!headless) return interruptIn(pid, session);
    const meta = rollout === undefined ? {} : await metaOf(rollout);
    if (text(meta.parent_thread_id) !== undefined)
      return { outcome: "failed", detail: "it is a sub-agent: it stops at its next call, by the gateway" };
  }
  const commands = await descendantsOf(holders);
  const left = await untilGone([...holders, ...commands], byItselfMs);
  return left === undefined ? { outcome: "stopped" } : interrupt(holders, commands);
}

/** Of one session only one process writes: where it is no `codex exec`, it is an app-server, or has one in it. */
async function interruptIn(pid: number, session: string): Promise<ControlOutcome> {
  let why = "it listens nowhere";
  for (const address of await addressesOf(pid)) {
    try {
      const server = await connectAppServer(address);
      try {
        return await interruptTurns(server, session);
      } finally {
        await server.close();
      }
    } catch (error) {
      why = `its app-server takes no connection: ${(error as Error).message}`;
    }
  }
  return { outcome: "failed", detail: `it is interactive, and ${why}: it stops at its next call, by the gateway` };
}

async function holdersOf(lock: string, session: string): Promise<Holder[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<Holder[]> => {
      const folder = join("/proc", pid, "fd");
      // of other users' processes nothing is told
      const names = await readdir(folder).catch(() => []);
      const files = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => "")));
      if (!files.includes(lock)) return [];
      const rollout = files.find((file) => file.endsWith(`-${session}.jsonl`));
      const command = await readFile(join("/proc", pid, "cmdline"), "utf8").catch(() => "");
      if (command === "") return []; // it has ended meanwhile
      return [{ pid: Number(pid), start: await startOf(Number(pid)), rollout, headless: command.split("\0").includes("exec") }];
    }),
  );
  return found.flat();
}

/** Its first line holds the instructions, too. */
const MAX_META_BYTES = 1 << 20;

async function metaOf(rollout: string): Promise<ReturnType<typeof object>> {
  const file = await open(rollout).catch(() => undefined);
  if (file === undefined) return {};
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_META_BYTES), 0, MAX_META_BYTES, 0);
    const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n", 1);
    return object(object(JSON.parse(line)).payload);
  } catch {
    return {};
  } finally {
    await file.close();
  }
}
