/**
 * Stands in for a `codex app-server --listen unix://` (0.169.0), as far as a stop needs it: JSON-RPC over WebSocket, threads with a turn under
 * way, `turn/interrupt`. It holds the files that Codex holds. Its answers come in pieces and with a ping between, as WebSocket allows.
 *
 *     node tests/support/codex-app-server.ts '{"socket": …, "files": […], "threads": [{"id", "sessionId", "parentThreadId"}], "deaf": false}'
 */

import { openSync } from "node:fs";
import http from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

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

function say(socket: WebSocket, message: object): void {
  const text = JSON.stringify(message);
  const half = Math.ceil(text.length / 2);
  socket.send(text.slice(0, half), { fin: false });
  socket.ping();
  socket.send(text.slice(half), { fin: true });
}

const server = http.createServer();
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data) => {
    const { id, method, params } = JSON.parse(data.toString()) as { id?: number; method: string; params: object };
    if (id !== undefined) say(socket, { id, result: answer(method, params) });
  });
});
server.listen(path, () => console.log("up"));
