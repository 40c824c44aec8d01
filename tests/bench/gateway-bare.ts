/** The floor: node:http in, undici `dispatch` out, bytes passed, nothing read. `argv[2]` is the engine. Prints its port. */

import http from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const engine = new Pool(process.argv[2] ?? "", { connections: 64, pipelining: 1 });

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    engine.dispatch(
      { path: request.url ?? "/", method: "POST", headers: { "content-type": "application/json" }, body },
      {
        onRequestStart() {},
        onResponseStart: (_controller, status, headers) =>
          void response.writeHead(status, { "content-type": String(headers["content-type"]) }),
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => response.destroy(),
      },
    );
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
