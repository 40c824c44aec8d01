/**
 * One session of Postgres. The driver crashes the process when it writes to a connection that has closed (porsager/postgres
 * #1154, #1208) and connects again by itself for ever; so nothing is sent once the close was seen, what waits is rejected by us,
 * and whoever uses the session opens the next one.
 */

import { connect as connectSocket, type Socket } from "node:net";
import postgres from "postgres";

const CONNECT_TIMEOUT_SECONDS = 5;

/** Postgres cannot be asked now. A write under way may have happened all the same. */
export class DatabaseAway extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "DatabaseAway";
  }
}

/** SQLSTATE classes that say of what was sent, and not of the server, that it cannot be: data, integrity, limits. */
const REFUSALS = new Set(["22", "23", "54"]);

/** Postgres will say the same however often it is asked. */
export const isRefused = (error: unknown): boolean => REFUSALS.has(String((error as { code?: unknown } | null)?.code).slice(0, 2));

/** Statements may be sent without waiting for those before: they run in order. @throws DatabaseAway, or the driver's PostgresError */
export type Query = <Row>(statement: string, parameters?: readonly (string | number | null)[]) => Promise<Row[]>;

export interface Session {
  query: Query;
  /** Resolves when the connection is gone, whoever closed it. */
  readonly closed: Promise<void>;
  close(): void;
}

/** @param onNotify called for each notification of a channel that the session listens to */
export async function openSession(databaseUrl: string, onNotify: (channel: string, payload: string) => void): Promise<Session> {
  let lost = false;
  let socket: Socket | undefined;
  const waiting = new Set<(error: Error) => void>();
  const { promise: closed, resolve: sayClosed } = Promise.withResolvers<void>();
  const sql = postgres(databaseUrl, {
    max: 1,
    max_lifetime: null,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    fetch_types: false,
    connection: { application_name: "signalbox-scheduler" },
    onnotice: () => {},
    // @ts-expect-error the driver takes both; its types do not say so
    onnotify: onNotify,
    socket: async (options: SocketTarget) => {
      socket = await openSocket(options);
      return socket;
    },
    onclose: lose,
  });

  function lose(): void {
    lost = true;
    for (const reject of waiting) reject(new DatabaseAway("the connection to Postgres was lost"));
    waiting.clear();
    sayClosed();
  }

  /** The driver's own end waits for a server that answers no more. */
  function close(): void {
    lose();
    socket?.destroy();
    void sql.end({ timeout: 0 });
  }

  // A server that accepts and closes at once would be tried again by the driver for ever.
  const giveUp = setTimeout(close, CONNECT_TIMEOUT_SECONDS * 1000);
  let reserved: postgres.ReservedSql;
  try {
    await sql`select 1`; // without fetch_types, the driver never answers a reserve that has to connect first
    reserved = await sql.reserve();
  } catch (error) {
    close();
    throw new DatabaseAway(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(giveUp);
  }

  return {
    closed,
    close,
    query: <Row>(statement: string, parameters: readonly (string | number | null)[] = []) => {
      if (lost) return Promise.reject(new DatabaseAway("the connection to Postgres was lost"));
      return new Promise<Row[]>((resolve, reject) => {
        waiting.add(reject);
        reserved
          .unsafe(statement, [...parameters], { prepare: true })
          .then((rows) => resolve(rows as unknown as Row[]), reject)
          .finally(() => waiting.delete(reject));
      });
    },
  };
}

interface SocketTarget {
  host: string[];
  port: number[];
  path: string | null;
}

/** The driver sets no TCP_NODELAY: small writes would wait for the server's delayed acknowledgement. */
function openSocket(options: SocketTarget): Promise<Socket> {
  const host = options.host[0];
  const address = options.path ? { path: options.path } : { host, port: options.port[0] ?? 5432, noDelay: true };
  return new Promise((resolve, reject) => {
    // the driver reads the host for TLS' server name
    const socket = Object.assign(connectSocket(address), { host });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
