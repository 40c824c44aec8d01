/** The engine behind the gateway benchmark: a fixed reply, whole or streamed, and a place where the gateway's spans can go. Prints its port. */

import http from "node:http";
import type { AddressInfo } from "node:net";
import { STREAM_EVENTS } from "./gateway-load.ts";

const REPLY = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello! How can I help you today?" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 },
});
const HEAD = { "content-type": "application/json", "content-length": Buffer.byteLength(REPLY) };

const STREAM_HEAD = { "content-type": "text/event-stream" };
const event = (fields: object) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "bench", ...fields })}\n\n`;
const CONTENT = event({ choices: [{ index: 0, delta: { content: " token" }, finish_reason: null }] });
const STOP = event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const END = `${STOP}${event({ choices: [], usage: { prompt_tokens: 20, completion_tokens: STREAM_EVENTS, total_tokens: 20 + STREAM_EVENTS } })}data: [DONE]\n\n`;

const server = http.createServer((request, response) => {
  let tail = "";
  request.on("data", (chunk: Buffer) => {
    tail = chunk.subarray(-256).toString("latin1");
  });
  request.on("end", () => {
    if (tail.includes('"stream":true')) stream(response);
    else response.writeHead(200, HEAD).end(REPLY);
  });
});

/** An event a turn of the loop, so that they travel alone. */
function stream(response: http.ServerResponse): void {
  response.writeHead(200, STREAM_HEAD);
  let left = STREAM_EVENTS;
  const next = () => {
    if (left-- === 0) response.end(END);
    else {
      response.write(CONTENT);
      setImmediate(next);
    }
  };
  next();
}

server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
