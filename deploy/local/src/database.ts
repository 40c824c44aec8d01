import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, SetupError } from "./errors.ts";
import { checkOutsideDatabase } from "./outside-database.ts";
import { describeTakenPorts, findTakenPorts } from "./ports.ts";
import { type EmbeddedPostgres, startPostgres } from "./postgres.ts";
import { isAlive, untilGone } from "./process-table.ts";
import type { Settings } from "./settings.ts";
import type { StatePaths } from "./state-folder.ts";

export interface Database {
  /** owner: migrates and writes */
  url: string;
  /** the dashboard's: reads */
  readerUrl: string;
  /** "embedded" is ours to stop */
  kind: "embedded" | "adopted" | "outside";
  port: number | null;
  /** where the embedded cluster really is */
  dir: string | null;
  stop(): Promise<void>;
}

export type DatabaseEvent = { kind: "died" } | { kind: "back" } | { kind: "failed"; reason: string };

/**
 * Connects to DATABASE_URL's Postgres, or starts the embedded one and keeps it running.
 * @throws SetupError when it cannot be had.
 */
export async function openDatabase(settings: Settings, paths: StatePaths, report: (event: DatabaseEvent) => void): Promise<Database> {
  if (settings.databaseUrl !== undefined) {
    const readerUrl = await checkOutsideDatabase(settings.databaseUrl, settings.readerDatabaseUrl);
    return { url: settings.databaseUrl, readerUrl, kind: "outside", port: null, dir: null, stop: async () => {} };
  }
  const options = { dir: paths.postgres, port: settings.ports.postgres };
  const server = await startPostgres(options).catch(async (error: unknown) => {
    const taken = await findTakenPorts(settings.host, settings.ports, ["postgres"]);
    if (taken.length > 0) throw describeTakenPorts(taken);
    throw new SetupError("postgres", messageOf(error));
  });
  const watch = keepRunning(server, () => startPostgres({ ...options, port: server.port }), report);
  return {
    url: server.url,
    readerUrl: server.readerUrl,
    kind: server.adopted ? "adopted" : "embedded",
    port: server.port,
    dir: server.dir,
    stop: async () => {
      const last = await watch.end();
      await last.stop();
      // Only we can take note of a child's end, and we are about to end ourselves. An adopted one is not our child.
      if (!last.adopted) await untilGone(last.pid, 2_000);
    },
  };
}

const LOOK_EVERY_MS = 1_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/**
 * An adopted server is not our child, so its end is noticed by looking. It is started again on the same port, with the same
 * passwords: the parts reconnect by themselves.
 */
function keepRunning(first: EmbeddedPostgres, start: () => Promise<EmbeddedPostgres>, report: (event: DatabaseEvent) => void) {
  let server = first;
  const ended = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: ended.signal }).catch(() => {});

  const loop = async () => {
    while (!ended.signal.aborted) {
      await pause(LOOK_EVERY_MS);
      if (ended.signal.aborted || isAlive(server.pid)) continue;
      report({ kind: "died" });
      for (let wait = FIRST_RETRY_MS; !ended.signal.aborted; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
        try {
          server = await start();
          report({ kind: "back" });
          break;
        } catch (error) {
          report({ kind: "failed", reason: messageOf(error) });
          await pause(wait);
        }
      }
    }
  };
  const running = loop();
  return {
    /** Stops looking and hands back the server of now. */
    end: async () => {
      ended.abort();
      await running;
      return server;
    },
  };
}
