import { createServer } from "node:http";
import type { RunningServer } from "./http-server.ts";
import type { Recording } from "./recording.ts";

/** The agent's HTTP(S) proxy for all that is not loopback: refuses everything and records what was tried. */
export async function startGuardProxy(port: number, recording: Recording): Promise<RunningServer> {
  const server = createServer((request, response) => {
    recording.add({ kind: "blocked", target: request.url ?? "" });
    response.writeHead(403).end();
  });
  server.on("connect", (request, socket) => {
    recording.add({ kind: "blocked", target: request.url ?? "" });
    socket.on("error", () => {});
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
