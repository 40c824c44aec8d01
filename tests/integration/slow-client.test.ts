/** Clients that stay and read nothing more: their calls end, and their slots are free. */

import { once } from "node:events";
import net from "node:net";
import { Attribute } from "@signalbox/otel/conventions";
import { afterEach, expect, test } from "vitest";
import { startProvider } from "../support/provider.ts";
import { startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** More than the sockets between engine and client hold. */
const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(64 << 10) } }] })}\n\n`;
const EVENTS = 600;
const REST_BYTES = 2 << 20;
const REST_MS = 150;

async function serve(stallMs: number) {
  const provider = await startProvider({
    script: () => ({ raw: { type: "text/event-stream", body: `${EVENT.repeat(EVENTS)}data: [DONE]\n\n` } }),
  });
  CLEAN_UP.push(() => provider.close());
  const scheduler = await startSchedulerUnderTest(
    `
resilience: { stall_timeout_ms: ${stallMs} }
pools: [{ name: only, silicon: cloud, engine: openai-compatible, base_url: "${provider.url}/v1", slots: 1, models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 1 }] }]`,
    { token: "admin" },
  );
  CLEAN_UP.push(() => scheduler.close());
  const active = async () => {
    const response = await fetch(`${scheduler.url}/control/pools`, { headers: { authorization: "Bearer admin" } });
    return ((await response.json()) as { data: { active: number }[] }).data[0]?.active;
  };
  const body = JSON.stringify({ model: "m", stream: true, messages: [] });
  const client = net.connect(Number(new URL(scheduler.url).port), "127.0.0.1");
  CLEAN_UP.push(async () => client.destroy());
  client.on("error", () => {});
  client.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await once(client, "readable");
  return { scheduler, active, client };
}

test("a client that takes nothing more for so long is taken to have left", async () => {
  const { scheduler, active } = await serve(400);
  expect(await active()).toBe(1);
  await until(async () => (await active()) === 0, "its slot is free");
  await until(() => scheduler.sink.spans.some((span) => Attribute.attempt in span.attributes), "the attempt is recorded");
  const attempt = scheduler.sink.spans.find((span) => Attribute.attempt in span.attributes);
  expect(attempt?.attributes).toMatchObject({ [Attribute.errorType]: "client_closed", [Attribute.costSource]: "estimated" });
});

test("one that is slow, and takes a little each time, gets all of it", async () => {
  const { client, active } = await serve(400);
  let bytes = 0;
  let end = "";
  let rested = 0;
  client.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    end = (end + chunk.toString("latin1")).slice(-40);
    if (bytes < (rested + 1) * REST_BYTES) return;
    rested++;
    client.pause();
    setTimeout(() => client.resume(), REST_MS);
  });
  const begun = performance.now();
  await until(() => end.includes("[DONE]"), "its end");
  // Each rest is shorter than the limit, all of them together are longer.
  expect(performance.now() - begun).toBeGreaterThan(1_000);
  expect(bytes).toBeGreaterThan(EVENT.length * EVENTS);
  await until(async () => (await active()) === 0, "its slot is free");
});
