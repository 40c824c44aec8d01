/** An engine that closes a connection which it had kept idle, just as a request arrives there. */

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Attribute } from "@signalbox/otel/conventions";
import { afterEach, expect, test } from "vitest";
import { type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const BODY = JSON.stringify({
  id: "chatcmpl-1",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 2, completion_tokens: 1 },
});
const REPLY = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

/** @param close what becomes of a connection whose `n`th request has come; undefined: it is answered */
async function startEngine(close: (socket: Socket, connection: number, n: number) => boolean) {
  const seen: string[] = [];
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = ++connections;
    let requests = 0;
    let text = "";
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      if (head < 0 || text.length < head + 4 + length) return;
      text = "";
      seen.push(`${connection}.${++requests}`);
      if (!close(socket, connection, requests)) socket.write(REPLY);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  CLEAN_UP.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1`, seen };
}

async function serve(url: string): Promise<SchedulerUnderTest> {
  const pool = `{ name: only, silicon: cloud, engine: openai-compatible, base_url: "${url}", slots: 1, models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 1 }] }`;
  const scheduler = await startSchedulerUnderTest(`pools: [${pool}]`);
  CLEAN_UP.push(() => scheduler.close());
  return scheduler;
}

async function ask(scheduler: SchedulerUnderTest): Promise<number> {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }] });
  const response = await fetch(`${scheduler.url}/v1/chat/completions`, { method: "POST", body });
  await response.arrayBuffer();
  return response.status;
}

const attempts = (scheduler: SchedulerUnderTest) => scheduler.sink.spans.filter((span) => Attribute.attempt in span.attributes);

test.each(["resets", "closes"])(
  "that %s it is asked again on another: the client sees nothing of it, and the pool is not blamed",
  async (how) => {
    const { url, seen } = await startEngine((socket, connection, n) => {
      if (connection !== 1 || n !== 2) return false;
      if (how === "resets") socket.resetAndDestroy();
      else socket.end();
      return true;
    });
    const scheduler = await serve(url);
    expect([await ask(scheduler), await ask(scheduler)]).toEqual([200, 200]);
    expect(seen).toEqual(["1.1", "1.2", "2.1"]);
    await until(() => attempts(scheduler).length === 2, "one attempt for each request is recorded");
    expect(attempts(scheduler).map((span) => span.attributes[Attribute.errorType])).toEqual([undefined, undefined]);
  },
);

test("that closes the other one too: once again is enough", async () => {
  const { url, seen } = await startEngine((socket, _connection, n) => {
    if (n === 1 && seen.length === 1) return false;
    socket.resetAndDestroy();
    return true;
  });
  const scheduler = await serve(url);
  expect([await ask(scheduler), await ask(scheduler)]).toEqual([200, 502]);
  expect(seen).toEqual(["1.1", "1.2", "2.1"]);
});

test("that closes a new connection, or takes its time to close a used one, may be at work: it is not asked again", async () => {
  const { url, seen } = await startEngine((socket, _connection, n) => {
    if (n === 2) setTimeout(() => socket.resetAndDestroy(), 1_300);
    else if (seen.length === 3) socket.resetAndDestroy();
    else return false;
    return true;
  });
  const scheduler = await serve(url);
  expect([await ask(scheduler), await ask(scheduler), await ask(scheduler)]).toEqual([200, 502, 502]);
  expect(seen).toEqual(["1.1", "1.2", "2.1"]);
});
