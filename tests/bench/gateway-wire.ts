/** The floor of the scheduler's own server and client: bytes passed, nothing read. `argv[2]` is the engine. Prints its port. */

import http from "node:http";
import type { AddressInfo } from "node:net";
import { EngineClient } from "../../scheduler/src/http/wire/client.ts";
import type { WireReply } from "../../scheduler/src/http/wire/reply.ts";
import type { WireRequest } from "../../scheduler/src/http/wire/request.ts";
import { takeHotPath } from "../../scheduler/src/http/wire/server.ts";

const PATH = "/v1/chat/completions";
const engine = new EngineClient(new URL(process.argv[2] ?? ""), { connectTimeoutMs: 5_000, idleMs: 4_000 });

async function pass(request: WireRequest, reply: WireReply): Promise<void> {
  const body = await request.body(() => new Error("the client left"));
  engine.dispatch(
    { path: PATH, method: "POST", headers: ["content-type", "application/json"], body },
    {
      onResponseStart(_controller, status, { "content-type": type, "content-length": length }) {
        reply.writeHead(status, { "content-type": String(type), ...(length !== undefined && { "content-length": String(length) }) });
      },
      onResponseData: (_controller, chunk) => void reply.write(chunk),
      onResponseEnd: () => void reply.end(),
      onResponseError: () => reply.destroy(),
    },
  );
}

const server = http.createServer((_request, response) => response.writeHead(404).end());
takeHotPath(server, { handlers: new Map([[PATH, pass]]), maxBodyBytes: 32 << 20 });
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
