import type { Server as HttpServer } from "node:http";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";

/** A server that listens. */
export interface Listening {
  url: string;
  /** Stops accepting and waits for the requests under way; after 5 s what is still open is cut. */
  stop(): Promise<void>;
}

const DRAIN_MS = 5_000;

/** `port` 0: any free one. @throws the system's error, with the port: EADDRINUSE for one that is taken. */
export async function listenHttp(server: HttpServer, host: string, port: number): Promise<Listening> {
  const url = await listen(server, host, port);
  return {
    url,
    stop: () =>
      drained(
        server,
        () => server.closeIdleConnections(),
        () => server.closeAllConnections(),
      ),
  };
}

/** The same for HTTP/2, whose sessions live on until they are told. */
export async function listenHttp2(server: Http2Server, host: string, port: number): Promise<Listening> {
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const each = (work: (session: ServerHttp2Session) => void) => () => {
    for (const session of sessions) work(session);
  };
  const url = await listen(server, host, port);
  return {
    url,
    stop: () =>
      drained(
        server,
        each((session) => session.close()),
        each((session) => session.destroy()),
      ),
  };
}

type Server = HttpServer | Http2Server;

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address() as AddressInfo;
      resolve(`http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`);
    });
  });
}

async function drained(server: Server, closeIdle: () => void, cutAll: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  closeIdle();
  const cut = setTimeout(cutAll, DRAIN_MS);
  await closed;
  clearTimeout(cut);
}
