/**
 * The engine behind the gateway benchmark: a fixed reply, whole or streamed, and a place where the gateway's spans can go. Written on
 * `node:net`, as an engine that costs little: what it takes would be taken off all that stand before it. Prints its port.
 */

import net, { type AddressInfo } from "node:net";
import { STREAM_EVENTS } from "./gateway-load.ts";

const REPLY = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello! How can I help you today?" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 },
});
const head = (type: string, body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${body}\r\ndate: Sat, 21 Nov 2026 00:00:00 GMT\r\nconnection: keep-alive\r\n\r\n`;
const WHOLE = Buffer.from(head("application/json", `content-length: ${Buffer.byteLength(REPLY)}`) + REPLY);

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (fields: object) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "bench", ...fields })}\n\n`;
const CONTENT = event({ choices: [{ index: 0, delta: { content: " token" }, finish_reason: null }] });
const STOP = event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const USAGE = event({ choices: [], usage: { prompt_tokens: 20, completion_tokens: STREAM_EVENTS, total_tokens: 20 + STREAM_EVENTS } });
const STREAM_EVENT = Buffer.from(chunk(CONTENT));
const STREAM_START = Buffer.from(head("text/event-stream", "transfer-encoding: chunked") + chunk(CONTENT));
const STREAM_END = Buffer.from(`${chunk(`${STOP}${USAGE}data: [DONE]\n\n`)}0\r\n\r\n`);

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";
const MAX_HEAD_BYTES = 16 << 10;
/** Of a body, in which `stream` stands. */
const TAIL_BYTES = 256;

const server = net.createServer({ noDelay: true }, (socket) => {
  let partial: Buffer | undefined;
  let within: "head" | "plain" | "chunks" = "head";
  let missing = 0;
  let tail = "";

  function readHead(bytes: Buffer): void {
    const text = bytes.toString("latin1", 0, Math.min(bytes.length, MAX_HEAD_BYTES));
    const end = text.indexOf(HEAD_END);
    partial = end < 0 ? bytes : undefined;
    if (end < 0) return;
    const fields = text.slice(0, end);
    within = /\r\ntransfer-encoding: *chunked/i.test(fields) ? "chunks" : "plain";
    missing = Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
    readBody(bytes.subarray(end + HEAD_END.length));
  }

  function readBody(bytes: Buffer): void {
    missing -= bytes.length;
    tail = (tail + bytes.toString("latin1", Math.max(0, bytes.length - TAIL_BYTES), bytes.length)).slice(-TAIL_BYTES);
    if (within === "chunks" ? !tail.endsWith(LAST_CHUNK) : missing > 0) return;
    const streamed = tail.includes('"stream":true');
    within = "head";
    tail = "";
    if (streamed) stream(socket);
    else socket.write(WHOLE);
  }

  socket.on("data", (bytes: Buffer) => {
    if (within === "head") readHead(partial ? Buffer.concat([partial, bytes]) : bytes);
    else readBody(bytes);
  });
  socket.on("error", () => {});
});

/** An event a turn of the loop, so that they travel alone. */
function stream(socket: net.Socket): void {
  socket.write(STREAM_START);
  let left = STREAM_EVENTS - 1;
  const next = () => {
    if (left-- === 0) socket.write(STREAM_END);
    else {
      socket.write(STREAM_EVENT);
      setImmediate(next);
    }
  };
  setImmediate(next);
}

server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
