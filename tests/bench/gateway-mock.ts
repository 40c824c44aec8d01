/** The engine behind the gateway benchmark: one fixed reply, and a place where the gateway's spans can go. Prints its port. */

import http from "node:http";
import type { AddressInfo } from "node:net";

const REPLY = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello! How can I help you today?" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 },
});
const HEAD = { "content-type": "application/json", "content-length": Buffer.byteLength(REPLY) };

const server = http.createServer((request, response) => {
  request.resume();
  request.on("end", () => response.writeHead(200, HEAD).end(REPLY));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
