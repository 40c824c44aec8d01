import { setTimeout as sleep } from "node:timers/promises";
import { NotifyChannel } from "@signalbox/otel/conventions";
import { connect } from "../exporters/postgres-connection.ts";
import type { Log } from "../log.ts";

/** Keys that were made in the dashboard, as of the last time that Postgres answered. */
export interface StoredKeys {
  /** They were read at least once. */
  readonly known: boolean;
  /** By the sha-256 of a key, in hex: the project that it is for. Undefined: there is no such key. "unknown": the keys were never read. */
  find(digest: string): { project: string | null } | undefined | "unknown";
  start(): void;
  close(): Promise<void>;
}

const READ_KEYS = "select encode(digest, 'hex') as digest, project from signalbox.api_keys where purpose = 'agents' and revoked_at is null";
const RETRY_MS = 1_000;

/** Reads the keys, and reads them again whenever one was made or revoked. While Postgres is away, those of before hold. */
export function storedKeys(databaseUrl: string, log: Log): StoredKeys {
  const stopping = new AbortController();
  let keys: ReadonlyMap<string, { project: string | null }> | undefined;
  let wake = () => {};
  let loop: Promise<void> = Promise.resolve();

  async function follow(): Promise<void> {
    let lost = false;
    let changed = true;
    const connection = await connect(databaseUrl, { application_name: "signalbox-keys" }, () => {
      changed = true;
      wake();
    });
    connection.onClose(() => {
      lost = true;
      wake();
    });
    try {
      await connection.run(`listen ${NotifyChannel.keys}`);
      while (!lost && !stopping.signal.aborted) {
        if (changed) {
          changed = false;
          const rows = await connection.query<{ digest: string; project: string | null }>(READ_KEYS);
          keys = new Map(rows.map(({ digest, project }) => [digest, { project }]));
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (changed || lost || stopping.signal.aborted) resolve();
        });
      }
    } finally {
      await connection.close();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await follow().catch((error: Error) => log.warn("the keys cannot be followed, trying again", { error: error.message }));
      await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    get known() {
      return keys !== undefined;
    },
    find: (digest) => (keys === undefined ? "unknown" : keys.get(digest)),
    start() {
      loop = run();
    },
    async close() {
      stopping.abort();
      wake();
      await loop;
    },
  };
}
