/**
 * Stands in for a `codex app-server --listen unix://` (0.169.0), as far as a stop needs it: JSON-RPC over WebSocket, threads with a turn under
 * way, `turn/interrupt`. It holds the files that Codex holds. Its answers come in pieces and with a ping between, as WebSocket allows.
 *
 *     node tests/support/codex-app-server.ts '{"socket": …, "files": […], "threads": [{"id", "sessionId", "parentThreadId"}], "deaf": false}'
 */

import { createHash } from "node:crypto";
import { openSync } from "node:fs";
import http from "node:http";
import type { Duplex } from "node:stream";

interface Setup {
  socket: string;
  files: string[];
  threads: { id: string; sessionId: string; parentThreadId: string | null }[];
  /** Its turns do not end. */
  deaf: boolean;
}

const { socket: path, files, threads, deaf } = JSON.parse(process.argv[2] ?? "{}") as Setup;
for (const file of files) openSync(file, "r");
const active = new Set(threads.map(({ id }) => id));
/** An interruption leaves them alone. */
const commands = new Set(threads.map(({ id }) => id));

function answer(method: string, params: { threadId?: string; turnId?: string }): unknown {
  const { threadId = "", turnId } = params;
  if (method === "thread/loaded/list") return { data: threads.map(({ id }) => id), nextCursor: null };
  if (method === "thread/read") {
    const thread = threads.find(({ id }) => id === threadId);
    return { thread: { ...thread, status: { type: active.has(threadId) ? "active" : "idle" }, preview: "x".repeat(70_000) } };
  }
  if (method === "thread/turns/list") return { data: [{ id: `turn-of-${threadId}`, status: "inProgress" }] };
  if (method === "thread/backgroundTerminals/list") return { data: commands.has(threadId) ? [{ processId: "1" }] : [] };
  if (method === "thread/backgroundTerminals/clean") {
    commands.delete(threadId);
    console.log(`cleaned ${threadId}`);
  }
  if (method === "turn/interrupt" && turnId === `turn-of-${threadId}`) {
    if (!deaf) active.delete(threadId);
    console.log(threadId);
  }
  return {};
}

const frame = (first: number, payload: Buffer): Buffer => {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
};

function say(socket: Duplex, message: object): void {
  const bytes = Buffer.from(JSON.stringify(message));
  const half = Math.ceil(bytes.length / 2);
  // text that is not the last piece, a ping, and the last piece
  socket.write(Buffer.concat([frame(0x01, bytes.subarray(0, half)), frame(0x89, Buffer.from("ping")), frame(0x80, bytes.subarray(half))]));
}

function serve(socket: Duplex): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 6) return;
      const short = (rest[1] as number) & 0x7f;
      const start = short < 126 ? 2 : 4;
      const length = short < 126 ? short : rest.readUInt16BE(2);
      if (rest.length < start + 4 + length) return;
      const mask = rest.subarray(start, start + 4);
      const text = rest.subarray(start + 4, start + 4 + length).map((byte, at) => byte ^ (mask[at & 3] as number));
      const isText = ((rest[0] as number) & 0x0f) === 0x1;
      rest = rest.subarray(start + 4 + length);
      if (!isText) continue;
      const { id, method, params } = JSON.parse(Buffer.from(text).toString()) as { id?: number; method: string; params: object };
      if (id !== undefined) say(socket, { id, result: answer(method, params) });
    }
  });
  socket.on("error", () => {});
}

const server = http.createServer();
server.on("upgrade", (request, socket) => {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
  serve(socket);
});
server.listen(path, () => console.log("up"));
