/** A connection that its server has promised to keep can be used until then: no request is sent into one that is being closed. */

import { once } from "node:events";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_KEEP_ALIVE_MS } from "@signalbox/otel/conventions";
import { afterEach, expect, test } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { createDatabase } from "../support/postgres.ts";
import { startSchedulerUnderTest } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const POOLS = "pools: [{ name: p, silicon: cloud, engine: openai-compatible, base_url: http://127.0.0.1:9/v1, models: [{ id: m }] }]";

const SERVERS = {
  async scheduler(limits: { keepAliveMs?: number }) {
    const scheduler = await startSchedulerUnderTest(POOLS, { limits });
    CLEAN_UP.push(() => scheduler.close());
    return scheduler.url;
  },
  async collector(limits: { keepAliveMs?: number }) {
    const { url: databaseUrl, drop } = await createDatabase();
    CLEAN_UP.push(drop);
    const collector = await startCollector({
      host: "127.0.0.1",
      port: 0,
      databaseUrl,
      config: parseConfig("", "test.yaml", {}),
      ...limits,
    });
    CLEAN_UP.push(() => collector.close());
    return collector.url;
  },
};
const NAMES = ["scheduler", "collector"] as const;

/** One that asks by one connection, and keeps it for as long as it lives. */
function client(url: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  CLEAN_UP.push(async () => agent.destroy());
  return async () => {
    const request = http.get(`${url}/healthz`, { agent });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    response.resume();
    await once(response, "end");
    return { status: response.statusCode, promised: response.headers["keep-alive"], reused: request.reusedSocket, socket: request.socket };
  };
}

test.each(NAMES)("the %s keeps an idle connection longer than clients do", async (name) => {
  const ask = client(await SERVERS[name]({}));
  expect(await ask()).toMatchObject({ status: 200, promised: `timeout=${DEFAULT_KEEP_ALIVE_MS / 1000}` });
});

test.each(NAMES)("the %s answers a request that comes within the time that it has promised, and lets go later", async (name) => {
  const ask = client(await SERVERS[name]({ keepAliveMs: 10_000 }));
  expect(await ask()).toMatchObject({ status: 200, promised: "timeout=10" });
  await sleep(2_000);
  const { status, reused, socket } = await ask();
  expect({ status, reused }).toEqual({ status: 200, reused: true });
  if (!socket?.destroyed) await once(socket as NonNullable<typeof socket>, "close", { signal: AbortSignal.timeout(20_000) });
});
