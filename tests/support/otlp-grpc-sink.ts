import { createSecureServer, createServer, type IncomingHttpHeaders, type SecureServerOptions, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { rpcStatus, type StatusCode } from "../../collector-processor/src/otlp/responses.ts";

/** What the sink does with one push: a gRPC status, with RetryInfo or not, an answer's message, a proxy's HTTP status, hang, or cut. */
export type GrpcAnswer =
  | { code: number; message?: string; retryAfterSeconds?: number; body?: Buffer }
  | { http: number }
  | "hang"
  | "cut"
  | "reset";

/** An OTLP/gRPC destination that does what the script says, push by push, and 0 when the script is over. */
export async function otlpGrpcSink(script: GrpcAnswer[] = [], tls?: SecureServerOptions, port = 0) {
  const calls: { headers: IncomingHttpHeaders; body: Buffer; session: ServerHttp2Session }[] = [];
  const taken: Buffer[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const sent = Buffer.concat(chunks);
      const message = sent.subarray(5);
      if (message.length !== sent.readUInt32BE(1)) throw new Error("the prefix does not say how long the message is");
      const body = sent[0] === 1 ? gunzipSync(message) : Buffer.from(message);
      calls.push({ headers, body, session: stream.session as ServerHttp2Session });
      const answer = script.shift() ?? { code: 0 };
      if (answer === "hang") return;
      if (answer === "cut") return stream.session?.destroy();
      if (answer === "reset") return stream.close(7);
      if ("http" in answer) return stream.respond({ ":status": answer.http }, { endStream: true });
      const { code, message: text = "", retryAfterSeconds } = answer;
      const trailers = {
        "grpc-status": String(code),
        ...(code !== 0 && { "grpc-message": encodeURIComponent(text) }),
        ...(retryAfterSeconds !== undefined && {
          "grpc-status-details-bin": rpcStatus("protobuf", code as StatusCode, text, retryAfterSeconds).toString("base64"),
        }),
      };
      if (code !== 0) return stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
      taken.push(body);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(answer.body?.length ?? 0, 1);
      stream.end(Buffer.concat([prefix, answer.body ?? Buffer.alloc(0)]));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** The messages of the calls that were answered with status 0. */
    taken,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
