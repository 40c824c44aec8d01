import { connect as connectSocket, type Socket } from "node:net";
import type { Writable } from "node:stream";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";

const CONNECT_TIMEOUT_SECONDS = 10;

/** The connection is gone, and with it whatever was not committed: the same rows may be written again on another. */
export class ConnectionLost extends Error {
  constructor() {
    super("the connection to Postgres was lost");
    this.name = "ConnectionLost";
  }
}

/**
 * One session of Postgres, for one user at a time.
 *
 * The driver crashes the process when it writes to a connection that has closed (porsager/postgres #1154, #1208), and never settles a
 * COPY whose connection or statement fails after the last byte. So: nothing is sent once the close was seen, rows of a COPY go past
 * it to the socket (unless TLS is on it: then through it, one chunk at a time), what waits is rejected by us when the connection closes,
 * and a COPY that the server refused shows in the next statement, which fails because its transaction has failed.
 */
export interface Connection {
  /** @throws ConnectionLost, or the driver's PostgresError. */
  query<Row>(statement: string, parameters?: (string | number)[]): Promise<Row[]>;
  /** Several statements, without parameters or results. */
  run(statements: string): Promise<void>;
  /** Sends the rows of a COPY … FROM STDIN. Resolves when they are sent; whether they were taken, the next statement says. */
  copy(statement: string, chunks: Buffer[]): Promise<void>;
  /** Runs once, when the connection closes, whoever closes it. */
  onClose(listener: () => void): void;
  close(): Promise<void>;
}

/** @param onNotify hears what arrives on the channels that the session LISTENs to */
export async function connect(
  databaseUrl: string,
  settings: Record<string, string | number | boolean> = {},
  onNotify: (channel: string, payload: string) => void = () => {},
): Promise<Connection> {
  let lost = false;
  let socket: Socket | undefined;
  const waiting = new Set<(error: Error) => void>();
  const listeners: (() => void)[] = [];
  const sql = postgres(databaseUrl, {
    max: 1,
    max_lifetime: null,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    fetch_types: false,
    connection: { application_name: "signalbox-collector", ...settings },
    onnotice: () => {},
    // @ts-expect-error the driver takes both; its types do not say so
    onnotify: onNotify,
    socket: async (address: Address) => {
      socket = await openSocket(address);
      return socket;
    },
    onclose: () => {
      lost = true;
      for (const reject of waiting) reject(new ConnectionLost());
      waiting.clear();
      for (const listener of listeners.splice(0)) listener();
    },
  });

  /** Settles with the driver's answer, or rejects when the connection closes first. */
  function guarded<T>(start: () => PromiseLike<T>): Promise<T> {
    if (lost) return Promise.reject(new ConnectionLost());
    return new Promise<T>((resolve, reject) => {
      waiting.add(reject);
      const settle = <V>(finish: (value: V) => void) => {
        return (value: V) => {
          waiting.delete(reject);
          finish(value);
        };
      };
      start().then(settle(resolve), settle(reject));
    });
  }

  let session: postgres.ReservedSql;
  try {
    session = await within(CONNECT_TIMEOUT_SECONDS, async () => {
      await sql`select 1`; // without fetch_types, the driver never answers a reserve that has to connect first
      return sql.reserve();
    });
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }

  return {
    query: async <Row>(statement: string, parameters: (string | number)[] = []) =>
      (await guarded(() => session.unsafe(statement, parameters, { prepare: true }))) as unknown as Row[],
    async run(statements) {
      await guarded(() => session.unsafe(statements));
    },
    async copy(statement, chunks) {
      const stream = await guarded(() => session.unsafe(statement).writable());
      stream.on("error", () => {}); // the write that is under way reports it
      // the driver's own sends CopyFail after every COPY, which fails the next one, and writes to a socket that is gone
      stream._destroy = (error, done) => done(error);
      if (socket === undefined || sql.options.ssl) for (const chunk of chunks) await guarded(() => written(stream, [chunk]));
      else await guarded(() => written(socket as Socket, chunks.flatMap(copyData)));
      if (lost) throw new ConnectionLost();
      stream.end();
      await nextTurn(); // the driver has sent the end of the COPY then, and takes the next statement
    },
    onClose(listener) {
      if (lost) listener();
      else listeners.push(listener);
    },
    close: () => sql.end({ timeout: 1 }),
  };
}

/**
 * The driver tries a server that accepts and closes at once for ever, as one does that has just been killed; and it forgets a reserve whose
 * connection is lost before it is answered.
 */
async function within<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timeout = sleep(seconds * 1000, undefined, { signal: late.signal }).then(() => {
    throw new ConnectionLost();
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    late.abort();
  }
}

/**
 * What the server reads before it begins to parse. The driver makes one message of each write, and copies it: the server then waits for
 * megabytes, while it could work.
 */
const COPY_DATA_BYTES = 65_536;
const COPY_DATA = "d".charCodeAt(0);

/** The bytes as messages of the protocol, not copied. */
function copyData(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += COPY_DATA_BYTES) {
    const data = bytes.subarray(at, at + COPY_DATA_BYTES);
    const header = Buffer.allocUnsafe(5);
    header[0] = COPY_DATA;
    header.writeInt32BE(4 + data.length, 1);
    messages.push(header, data);
  }
  return messages;
}

/** Resolves when all of it is with the system. @throws the system's error; of a socket that is closed, too. */
function written(stream: Writable, buffers: Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.cork();
    const last = buffers.pop() ?? Buffer.alloc(0);
    for (const buffer of buffers) stream.write(buffer);
    stream.write(last, (error) => (error ? reject(error) : resolve()));
    stream.uncork();
  });
}

/** As the driver hands it on. */
interface Address {
  host: string[];
  port: number[];
  path: string | null;
}

/** Without TCP_NODELAY every COPY stalls for 40 to 95 ms: the driver's small writes wait for the server's delayed acknowledgement. */
function openSocket(options: Address): Promise<Socket> {
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
