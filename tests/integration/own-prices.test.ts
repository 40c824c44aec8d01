/** The user's own prices (`signalbox prices set`): the gateway follows them, and charges what the collector would. */

import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import { costNanousd, PRICES_FILE } from "@signalbox/otel/prices";
import postgres from "postgres";
import { afterEach, expect, test } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { readConfig } from "../../collector-processor/src/config.ts";
import { createDatabase } from "../support/postgres.ts";
import { startProvider } from "../support/provider.ts";
import { collectorProcess } from "./collector-load.ts";
import { post, request, span, untilReady } from "./collector-support.ts";
import { startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const USAGE = { input: 1_000, output: 100, cacheRead: 400 };
const TOKENS = {
  [Attribute.inputTokens]: USAGE.input,
  [Attribute.outputTokens]: USAGE.output,
  [Attribute.cacheReadTokens]: USAGE.cacheRead,
};

/** @param answering what the provider waits for before it answers */
async function setUp(answering: () => Promise<void> = async () => {}) {
  const script = async () => {
    await answering();
    return { text: "one", usage: USAGE };
  };
  const provider = await startProvider({ script });
  const scheduler = await startSchedulerUnderTest(`
baseline: { model: house-baseline }
pools:
  - name: house
    silicon: gpu
    engine: openai-compatible
    provider: acme
    base_url: ${provider.url}/v1
    models: [{ id: house-model }, { id: house-configured, input_usd_per_mtok: 7, output_usd_per_mtok: 7 }]
`);
  CLEAN_UP.push(provider.close, scheduler.close);
  const file = path.join(scheduler.home, PRICES_FILE);
  return {
    scheduler,
    /** As the command line does it. */
    async setPrices(text: string) {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    },
    logged: (what: string) => until(() => scheduler.log.some((line) => line.includes(what)), what),
    async call(model: string) {
      const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-signalbox-session": "s" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
      });
      await response.arrayBuffer();
      const cost = response.headers.get(ResponseHeader.costNanousd);
      return cost === null ? undefined : Number(cost);
    },
  };
}

const own = (model: string, input: number, output: number, more = {}) => ({ model, input, output, set: "2026-11-21", ...more });

test("a price that is set counts from the next call on, and both who charge agree on it", async () => {
  const { scheduler, setPrices, logged, call } = await setUp();
  expect(await call("house-model")).toBeUndefined();

  const today = new Date().toISOString().slice(0, 10);
  const prices = [
    own("house-*", 2, 8, { cache_read: 0.5 }),
    // The provider's own row stands before one of any provider; what is over, or is still to come, counts for nothing.
    own("house-model", 3, 9, { provider: "acme", cache_read: 0.25, from: today }),
    own("house-model", 90, 90, { provider: "acme", until: today }),
    own("house-model", 70, 70, { provider: "acme", from: "2099-01-01" }),
  ];
  await setPrices(JSON.stringify({ prices }));
  await logged("prices reloaded");
  const charged = await call("house-model");
  expect(charged).toBe(costNanousd({ input: 3, output: 9, cacheRead: 0.25 }, USAGE));
  expect(await call("house-configured")).toBe(costNanousd({ input: 7, output: 7 }, USAGE));

  const database = await createDatabase();
  CLEAN_UP.push(() => database.drop());
  const collector = await startCollector({
    host: "127.0.0.1",
    port: 0,
    grpcPort: 0,
    databaseUrl: database.url,
    config: readConfig(null, {}, scheduler.home),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    now: Date.now,
  });
  CLEAN_UP.push(() => collector.close());
  await untilReady(collector.url);
  const seen = span({
    trace: 1,
    id: 1,
    attributes: {
      "session.id": "s",
      [Attribute.operation]: "chat",
      [Attribute.requestModel]: "house-model",
      [Attribute.provider]: "acme",
      ...TOKENS,
    },
  });
  const nanos = BigInt(Date.now()) * 1_000_000n;
  const now = { startTimeUnixNano: String(nanos), endTimeUnixNano: String(nanos + 1_000_000n) };
  expect((await post(collector.url, request([{ ...seen, ...now }]))).status).toBe(200);
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  CLEAN_UP.push(() => sql.end());
  const stored = () => sql`select cost_nusd, cost_source from signalbox.spans`;
  await until(async () => (await stored()).length === 1, "the span is stored");
  const [row] = await stored();
  expect([Number(row?.cost_nusd), row?.cost_source]).toEqual([charged, "priced"]);
});

test("a call costs what was set aside for it, though a price is set while it runs", async () => {
  let asked = () => {};
  let answer = () => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { setPrices, logged, call } = await setUp(() => {
    asked();
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  await setPrices(JSON.stringify({ prices: [own("house-model", 1, 2)] }));
  await logged("prices reloaded");
  const charged = call("house-model");
  await isAsked;
  await setPrices(JSON.stringify({ prices: [own("house-model", 100, 200), own("other", 1, 1)] }));
  await logged("own=2");
  answer();
  expect(await charged).toBe(costNanousd({ input: 1, output: 2 }, USAGE));
});

test("a collector that runs takes a price that is set, and keeps it where the next one is wrong", async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-prices-"));
  const database = await createDatabase();
  const collector = await collectorProcess(database.url, home, 0, "", "baseline: { model: house-baseline }");
  const folder = path.join(home, "collector-0");
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  CLEAN_UP.push(
    () => rm(home, { recursive: true, force: true }),
    () => database.drop(),
    () => sql.end(),
    () => collector.stop("SIGTERM"),
  );
  const setPrices = (...prices: object[]) => writeFile(path.join(folder, PRICES_FILE), JSON.stringify({ prices }));
  const logged = (what: string, times: number) =>
    until(async () => (await readFile(path.join(folder, "collector.log"), "utf8")).split(what).length > times, what);
  let calls = 0;
  const costs = async () => {
    const id = ++calls;
    const nanos = BigInt(Date.now()) * 1_000_000n;
    const seen = span({ trace: id, id, attributes: { [Attribute.operation]: "chat", [Attribute.requestModel]: "house-model", ...TOKENS } });
    const now = { startTimeUnixNano: String(nanos), endTimeUnixNano: String(nanos + 1_000_000n) };
    expect((await post(collector.url, request([{ ...seen, ...now }]))).status).toBe(200);
    const rows = () => sql`select cost_nusd, baseline_nusd from signalbox.spans where span_id = decode(${seen.spanId as string}, 'hex')`;
    await until(async () => (await rows()).length === 1, "the span is stored");
    return (await rows())[0];
  };
  const base = own("house-baseline", 10, 10);
  const nanousd = (input: number, output: number) => String(costNanousd({ input, output }, USAGE));

  await setPrices(base);
  collector.start();
  await untilReady(collector.url);
  expect(await costs()).toEqual({ cost_nusd: null, baseline_nusd: nanousd(10, 10) });
  await setPrices(base, own("house-model", 3, 9));
  await logged("prices reloaded", 1);
  expect(await costs()).toEqual({ cost_nusd: nanousd(3, 9), baseline_nusd: nanousd(10, 10) });
  await setPrices(own("house-model", 4, 4));
  await logged("house-baseline has no price", 1);
  expect(await costs()).toEqual({ cost_nusd: nanousd(3, 9), baseline_nusd: nanousd(10, 10) });
  await setPrices(own("house-baseline", 20, 20), own("house-model", 4, 4));
  await logged("prices reloaded", 2);
  expect(await costs()).toEqual({ cost_nusd: nanousd(4, 4), baseline_nusd: nanousd(20, 20) });
});

test("a file that is wrong is refused, and the prices before it stay", async () => {
  const { scheduler, setPrices, logged, call } = await setUp();
  await setPrices(JSON.stringify({ prices: [own("house-model", 1, 1)] }));
  await logged("prices reloaded");
  const charged = await call("house-model");
  await setPrices('{"prices": [{"model": "house-model", "input": -1}]}');
  await logged("prices refused");
  expect(scheduler.log.findLast((line) => line.includes("prices refused"))).toContain("prices[0]");
  expect(await call("house-model")).toBe(charged);
});
