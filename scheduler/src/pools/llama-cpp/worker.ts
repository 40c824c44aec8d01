/**
 * A llama.cpp pool's process: loads one model, measures it, then serves it on a unix socket or a loopback port.
 * A crash in native code ends this process and no other. It ends with its parent: the IPC channel closing is the sign.
 */

import { once } from "node:events";
import { unlink } from "node:fs/promises";
import type http from "node:http";
import type { AddressInfo } from "node:net";
import { createEngine } from "./engine.ts";
import { WORKER_OPTIONS, type WorkerAddress, type WorkerMessage, type WorkerOptions } from "./protocol.ts";
import { createWorkerServer } from "./server.ts";
import { measureSpeed } from "./warm-up.ts";

const options = JSON.parse(process.env[WORKER_OPTIONS] ?? "{}") as WorkerOptions;
const tell = (message: WorkerMessage) => process.send?.(message);

process.on("disconnect", () => process.exit(0));
// The terminal's Ctrl-C reaches this process too; the scheduler decides when it ends.
process.on("SIGINT", () => {});

try {
  const engine = await createEngine(options);
  const speed = await measureSpeed(engine, options.slots);
  const address = await listen(createWorkerServer(engine, options), options.socketPath);
  tell({ type: "ready", address, speed });
} catch (error) {
  tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  process.disconnect?.();
}

async function listen(server: http.Server, socketPath: string | undefined): Promise<WorkerAddress> {
  if (socketPath && process.platform !== "win32") {
    try {
      await unlink(socketPath).catch(() => {});
      server.listen(socketPath);
      await once(server, "listening");
      return { socketPath };
    } catch {
      // No unix sockets in this folder (too long a path, a file system without them): loopback TCP does as well.
    }
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port };
}
