/** Postgres as admission sees it: one session at a time, opened again when it is lost, used by one caller at a time. */

import type { Log } from "../../log.ts";
import { DatabaseAway, openSession, type Query, type Session } from "./session.ts";

export interface Database {
  /** The session is open and every `onUp` listener has done its part. */
  readonly up: boolean;
  /** Why it is not up; undefined while it is. */
  readonly awayBecause: string | undefined;
  /**
   * Runs alone on the session, transactions included.
   * @throws DatabaseAway also when it takes longer than the time limit: the session is closed then; the driver's PostgresError
   */
  run<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Called at each (re)connection before the database counts as up, in order of registration. A throw closes the session. */
  onUp(listener: (query: Query) => Promise<void>): void;
  onNotify(channel: string, listener: (payload: string) => void): void;
  /** Connects, and keeps doing so. Resolves after the first try, whatever came of it. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  log: Log;
  /** Milliseconds one piece of work may take. */
  timeoutMs?: number;
}

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 3_000;

export function createDatabase({ url, log, timeoutMs = 2_000 }: DatabaseOptions): Database {
  const upListeners: ((query: Query) => Promise<void>)[] = [];
  const channels = new Map<string, (payload: string) => void>();
  let session: Session | undefined;
  let away: string | undefined = "not connected yet";
  let closing = false;
  let retry: { timer: NodeJS.Timeout; wake: () => void } | undefined;
  let running: Promise<void> = Promise.resolve();
  /** Work takes turns: the end of the last piece. */
  let turn: Promise<unknown> = Promise.resolve();

  async function connect(): Promise<Session> {
    const opened = await openSession(url, (channel, payload) => channels.get(channel)?.(payload));
    try {
      for (const channel of channels.keys()) await bounded(opened, opened.query(`listen ${channel}`));
      for (const listener of upListeners) await bounded(opened, listener(opened.query));
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** A server that hangs is away too. */
  function bounded<T>(on: Session, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new DatabaseAway(`Postgres did not answer within ${timeoutMs} ms`));
        on.close();
      }, timeoutMs);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  async function keepConnected(tried: () => void): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; !closing; ) {
      try {
        session = await connect();
        away = undefined;
        retryMs = FIRST_RETRY_MS;
        log.info("database is up");
        tried();
        await session.closed;
        if (!closing) sayAway("the connection was lost");
      } catch (error) {
        sayAway(error instanceof Error ? error.message : String(error));
      }
      session = undefined;
      tried();
      await pause(retryMs);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }

  function sayAway(reason: string): void {
    if (away !== reason) log.warn("database is away: budgets and stops go on with what was last known", { reason });
    away = reason;
  }

  function pause(ms: number): Promise<void> {
    if (closing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      retry = { timer, wake: resolve };
    });
  }

  return {
    get up() {
      return away === undefined;
    },
    get awayBecause() {
      return away;
    },
    run(work) {
      const mine = turn.then(() => {
        if (!session || away !== undefined) throw new DatabaseAway(away ?? "closed");
        return bounded(session, work(session.query));
      });
      turn = mine.catch(() => {});
      return mine;
    },
    onUp: (listener) => void upListeners.push(listener),
    onNotify: (channel, listener) => void channels.set(channel, listener),
    start() {
      return new Promise((resolve) => {
        running = keepConnected(resolve);
      });
    },
    async close() {
      await turn;
      closing = true;
      if (retry) {
        clearTimeout(retry.timer);
        retry.wake();
      }
      session?.close();
      await running;
    },
  };
}
