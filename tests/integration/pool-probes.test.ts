/** Remote engines are asked whether they answer, so that no client's call finds them dead: scripted engines that die, hang, stumble and refuse. */

import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { type Provider, type ProviderOptions, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import type { ReplyPlan, ScriptedRequest } from "../support/provider-plan.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** Soon enough for a test, and with a time that an engine on a busy machine does not miss. */
const PROBE = "{ interval_ms: 80, timeout_ms: 20000, failures: 2 }";
/** For an engine that is to miss it. */
const HASTY = PROBE.replace("20000", "1000");

async function provide(options: ProviderOptions = {}): Promise<Provider> {
  const provider = await startProvider(options);
  CLEAN_UP.push(() => provider.close());
  return provider;
}

const pool = (name: string, url: string, price: number, more = `probe: ${PROBE}`) => `
  - name: ${name}
    silicon: gpu
    engine: openai-compatible
    base_url: ${url}/v1
    models: [{ id: m, input_usd_per_mtok: ${price}, output_usd_per_mtok: ${4 * price} }]
    ${more}`;

interface LivePool {
  name: string;
  state: string;
  reason: string | null;
  breaker: { state: string };
  probe: { at: string; ms: number; status: number | null; error: string | null } | null;
}

async function serve(config: string, environment: Record<string, string> = {}) {
  const scheduler = await startSchedulerUnderTest(config, { token: "admin", environment });
  CLEAN_UP.push(() => scheduler.close());
  const openai = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  return {
    scheduler,
    /** The name of the pool that served it. */
    ask: async (): Promise<string | null> => {
      const { response } = await openai.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hi" }] }).withResponse();
      return response.headers.get(ResponseHeader.pool);
    },
    live: (name: string) => livePool(scheduler, name),
  };
}

async function livePool({ url }: SchedulerUnderTest, name: string): Promise<LivePool> {
  const response = await fetch(`${url}/control/pools`, { headers: { authorization: "Bearer admin" } });
  const { data } = (await response.json()) as { data: LivePool[] };
  return data.find((one) => one.name === name) as LivePool;
}

const metric = async ({ url }: SchedulerUnderTest, name: string, labels = ""): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{pool="cheap"[^}]*${labels}[^}]*\\} (\\S+)`, "m").exec(text)?.[1]);
};

test("an idle engine that dies is known to be dead before a call pays for it, and gets one call when it answers again", async () => {
  const first = await startProvider();
  const good = await provide();
  const { scheduler, ask, live } = await serve(`pools: ${pool("cheap", first.url, 1)} ${pool("dear", good.url, 2)}`);
  expect(await ask()).toBe("cheap");
  await first.close();
  await until(async () => (await live("cheap")).state === "unhealthy", "it is found dead");
  const dead = await live("cheap");
  expect(dead.reason).toContain("ECONNREFUSED");
  expect(dead.probe).toMatchObject({ status: null, error: expect.stringContaining("ECONNREFUSED") });
  expect(Date.now() - Date.parse(dead.probe?.at ?? "")).toBeLessThan(60_000);
  expect(await ask()).toBe("dear");
  // One attempt each: nobody was sent to the dead one.
  await until(() => scheduler.sink.spans.filter((span) => Attribute.attempt in span.attributes).length === 2, "both calls are recorded");
  expect(await metric(scheduler, "signalbox_probe_success")).toBe(0);
  expect(await metric(scheduler, "signalbox_pool_up")).toBe(0);
  expect(await metric(scheduler, "signalbox_probes_total", 'result="failed"')).toBeGreaterThanOrEqual(2);
  expect(await metric(scheduler, "signalbox_probe_timestamp_seconds")).toBeGreaterThan(Date.now() / 1000 - 60);

  const again = await provide({ port: Number(new URL(first.url).port) });
  await until(async () => (await live("cheap")).breaker.state === "half-open", "one call may try it");
  expect(await ask()).toBe("cheap");
  expect(again.ledger).toHaveLength(1);
  expect(await live("cheap")).toMatchObject({ state: "healthy", breaker: { state: "closed" }, probe: { status: 200, error: null } });
  expect(scheduler.log.join("")).toMatch(/pool does not answer its probe.*ECONNREFUSED[\s\S]*pool answers its probe again/);
});

test("a pool that its calls have ejected gets a call as soon as it answers its probe, long before its time is over", async () => {
  let broken = true;
  const cheap = await provide({
    script: () => (broken ? { error: { status: 500 } } : {}),
    listing: () => (broken ? { error: { status: 503 } } : {}),
  });
  const good = await provide();
  const { ask, live } = await serve(`
resilience: { breaker: { failures: 1, open_ms: 600000 } }
pools: ${pool("cheap", cheap.url, 1, "probe: { interval_ms: 80, failures: 1000 }")} ${pool("dear", good.url, 2)}`);
  expect(await ask()).toBe("dear");
  expect(await live("cheap")).toMatchObject({ breaker: { state: "open" }, reason: expect.stringContaining("failed 1 times in a row") });
  broken = false;
  await until(async () => (await live("cheap")).breaker.state === "half-open", "one call may try it");
  expect(await ask()).toBe("cheap");
});

const WORDS: [string, ReplyPlan, string, string][] = [
  ["hangs", { hang: "before-first-byte" }, HASTY, "no answer within 1000 ms"],
  ["is slow beyond the time", { delayMs: 1_500 }, HASTY, "no answer within 1000 ms"],
  ["closes the connection", { reset: "before-first-byte" }, PROBE, "other side closed"],
  ["loads its model", { error: { status: 503 } }, PROBE, "it answers its probe with 503"],
];
test.each(WORDS)("an engine that %s gets no calls", async (_what, plan, probe, words) => {
  const cheap = await provide({ listing: () => plan });
  const good = await provide();
  const { ask, live } = await serve(`pools: ${pool("cheap", cheap.url, 1, `probe: ${probe}`)} ${pool("dear", good.url, 2)}`);
  await until(async () => (await live("cheap")).state === "unhealthy", "it is ejected");
  expect((await live("cheap")).reason).toContain(words);
  expect(await ask()).toBe("dear");
  expect(cheap.ledger).toHaveLength(0);
});

const WELL: [string, ReplyPlan][] = [
  ["is slow within the time", { delayMs: 50 }],
  ["knows no such path", { error: { status: 404 } }],
  ["tells our account nothing", { error: { status: 403 } }],
  ["is asked too often", { error: { status: 429 } }],
];
test.each(WELL)("an engine that %s answers, and is called", async (_what, plan) => {
  const cheap = await provide({ listing: () => plan });
  const { ask, live } = await serve(`pools: ${pool("cheap", cheap.url, 1)}`);
  await until(async () => (await live("cheap")).probe !== null, "it was asked");
  expect((await live("cheap")).probe).toMatchObject({ status: plan.error?.status ?? 200, error: null });
  expect(await ask()).toBe("cheap");
});

test("an engine that refuses the key is alive, and that is said: which key, and where to mend it", async () => {
  const known = ({ headers }: ScriptedRequest): ReplyPlan => (headers.authorization === "Bearer right" ? {} : { error: { status: 401 } });
  const cheap = await provide({ listing: known });
  const [wrong, none, right] = ["api_key_env: WRONG", "", "api_key_env: RIGHT"].map((key) => `${key}\n    probe: ${PROBE}`);
  const { live } = await serve(
    `pools: ${pool("wrong", cheap.url, 1, wrong)} ${pool("none", cheap.url, 1, none)} ${pool("right", cheap.url, 1, right)}
      ${pool("callers", cheap.url, 1, `credentials: caller\n    probe: ${PROBE}`)}`,
    { WRONG: "wrong", RIGHT: "right" },
  );
  await until(async () => (await live("wrong")).state === "unhealthy" && (await live("none")).state === "unhealthy", "both are ejected");
  expect((await live("wrong")).reason).toContain("it answers, but refuses our key (401): see api_key_env of pool wrong");
  expect((await live("none")).reason).toContain("it answers, but asks for a key (401): pool none has no api_key_env");
  await until(async () => (await live("right")).probe !== null && (await live("callers")).probe !== null, "the others were asked");
  expect(await live("right")).toMatchObject({ state: "healthy", probe: { status: 200, error: null } });
  // Its callers bring keys of their own.
  expect(await live("callers")).toMatchObject({ state: "healthy", probe: { status: 401, error: null } });
});

test("what is asked: the path of the config with the pool's key and no body; the cloud is not asked unless told to", async () => {
  const seen: string[] = [];
  const listing = (of: string) => () => {
    seen.push(of);
    return {};
  };
  const plain = await provide({ listing: listing("plain") });
  const off = await provide({ listing: listing("off") });
  const cloud = await provide({ listing: listing("cloud") });
  const vendor = await startAnthropicProvider();
  CLEAN_UP.push(() => vendor.close());
  const { live } = await serve(
    `pools: ${pool("plain", plain.url, 1, "")} ${pool("off", off.url, 1, "probe: off")}
      ${pool("cloud", cloud.url, 1, "").replace("silicon: gpu", "silicon: cloud")}
  - name: vendor
    silicon: cloud
    engine: anthropic
    base_url: ${vendor.url}
    api_key_env: KEY
    probe: { path: /health?deep=1, interval_ms: 80 }
    models: [{ id: claude }]`,
    { KEY: "secret" },
  );
  await until(() => vendor.ledger.length >= 2 && seen.length > 0, "the two that are to be asked were");
  expect(vendor.ledger[0]).toMatchObject({
    method: "GET",
    path: "/health",
    rawBody: "",
    headers: { "x-api-key": "secret", "anthropic-version": "2023-06-01" },
  });
  expect(new Set(seen)).toEqual(new Set(["plain"]));
  expect([(await live("off")).probe, (await live("cloud")).probe]).toEqual([null, null]);
});

test("an engine whose calls end well is not asked besides", async () => {
  let listed = 0;
  const cheap = await provide({
    listing: () => {
      listed++;
      return {};
    },
  });
  const { ask, live } = await serve(`pools: ${pool("cheap", cheap.url, 1, "probe: { interval_ms: 60000 }")}`);
  await until(async () => (await live("cheap")).probe !== null, "it was asked at its start");
  expect(await ask()).toBe("cheap");
  expect(listed).toBe(1);
});
