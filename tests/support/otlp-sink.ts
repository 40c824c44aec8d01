import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface SinkRequest {
  headers: IncomingMessage["headers"];
  path: string;
  body: Buffer;
  at: number;
}

/** What the sink does with one push: a status and headers, an answer's bytes, hang, or cut the connection. */
export type SinkAnswer = { status: number; headers?: Record<string, string>; body?: Buffer } | "hang" | "cut";

/** An OTLP destination that does what the script says, push by push, and 200 when the script is over. `tls`: it speaks https. */
export async function otlpSink(script: (SinkAnswer | Promise<SinkAnswer>)[] = [], tls?: ServerOptions) {
  const requests: SinkRequest[] = [];
  const taken: Buffer[] = [];
  let always: SinkAnswer | undefined;
  const serve: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const sent = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      requests.push({ headers: request.headers, path: request.url ?? "", body, at: performance.now() });
      const answer = (await script.shift()) ?? always ?? { status: 200 };
      if (answer === "hang") return;
      if (answer === "cut") return request.socket.destroy();
      if (answer.status === 200) taken.push(body);
      response.writeHead(answer.status, { "content-type": "application/x-protobuf", ...answer.headers });
      response.end(answer.body);
    });
  };
  const server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** The bodies of the pushes that were answered with 200. */
    taken,
    /** What is done when the script is over; undefined: 200. */
    answerAlways(answer: SinkAnswer | undefined) {
      always = answer;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type OtlpSink = Awaited<ReturnType<typeof otlpSink>>;
