/**
 * A llama.cpp pool's process: loads one model, measures it, then serves it on a unix socket or a TCP port.
 * A crash in native code ends this process and no other. It ends with its parent: the IPC channel closing is the sign.
 */

import { once } from "node:events";
import { unlink } from "node:fs/promises";
import type http from "node:http";
import type { AddressInfo } from "node:net";
import { createEngine } from "./engine.ts";
import { WORKER_OPTIONS, type WorkerAddress, type WorkerListen, type WorkerMessage, type WorkerOptions } from "./protocol.ts";
import { createWorkerServer } from "./server.ts";
import { measureSpeed } from "./warm-up.ts";

const options = JSON.parse(process.env[WORKER_OPTIONS] ?? "{}") as WorkerOptions;
const tell = (message: WorkerMessage) => process.send?.(message);

// Session state is written by native code, which asks nobody for a mode.
process.umask(0o077);
process.on("disconnect", () => process.exit(0));
process.on("message", () => tell({ type: "alive" }));
// The terminal's Ctrl-C reaches this process too; the parent decides when it ends.
process.on("SIGINT", () => {});

try {
  const engine = await createEngine(options);
  const speed = await measureSpeed(engine, options.slots);
  const address = await listen(createWorkerServer(engine, options, speed), options.listen);
  tell({ type: "ready", address, speed });
} catch (error) {
  tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}

async function listen(server: http.Server, wanted: WorkerListen): Promise<WorkerAddress> {
  if ("host" in wanted) return listenOn(server, wanted.port, wanted.host);
  const { socket } = wanted;
  if (socket !== undefined && process.platform !== "win32") {
    try {
      await unlink(socket).catch(() => {});
      server.listen(socket);
      await once(server, "listening");
      return { socketPath: socket };
    } catch {
      // No unix sockets in this folder (too long a path, a file system without them): loopback TCP does as well.
    }
  }
  return listenOn(server, 0, "127.0.0.1");
}

async function listenOn(server: http.Server, port: number, host: string): Promise<WorkerAddress> {
  server.listen(port, host);
  await once(server, "listening");
  return { host, port: (server.address() as AddressInfo).port };
}
