/** What the live path learns from calls, before scripted providers: where the next call goes, and what is told of it. */

import { randomBytes } from "node:crypto";
import { Attribute, type DecisionCandidate, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { type Provider, type Script, startProvider } from "../support/provider.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

async function provider(script: Script): Promise<Provider> {
  const started = await startProvider({ script });
  CLEAN_UP.push(() => started.close());
  return started;
}

async function setUp(
  config: string,
): Promise<SchedulerUnderTest & { ask: Ask; candidatesOf(decision: string): Promise<DecisionCandidate[]> }> {
  const scheduler = await startSchedulerUnderTest(config, { token: "admin" });
  CLEAN_UP.push(() => scheduler.close());
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  return {
    ...scheduler,
    async ask(headers, content = "hello") {
      const { data, response } = await client.chat.completions
        .create({ model: "auto", messages: [{ role: "user", content }], stream: true }, { headers })
        .withResponse();
      for await (const _chunk of data);
      const header = (name: string) => response.headers.get(name) ?? "";
      return { pool: header(ResponseHeader.pool), route: header(ResponseHeader.route), decision: header(ResponseHeader.decision) };
    },
    async candidatesOf(decision) {
      const spans = await scheduler.sink.decision(decision, 2);
      const told = spans.find(({ attributes }) => attributes[Attribute.decisionCandidates] !== undefined);
      return JSON.parse(String(told?.attributes[Attribute.decisionCandidates])) as DecisionCandidate[];
    },
  };
}

type Ask = (headers: Record<string, string>, content?: string) => Promise<{ pool: string; route: string; decision: string }>;

/** Two of a kind but for the name; `more` is each pool's own. */
const pools = (cheap: Provider, dear: Provider, more: { cheap: string; dear: string }, rest = "") => `
pools:
  - { name: cheap, silicon: cpu, engine: openai-compatible, base_url: "${cheap.url}/v1", slots: 2, ${more.cheap} }
  - { name: dear, silicon: gpu, engine: openai-compatible, base_url: "${dear.url}/v1", slots: 2, ${more.dear} }
models:
  auto: { any_of: [m] }
${rest}`;
const sla = (name: string) => ({ "x-signalbox-sla": name });

test("a pool several times slower than it said loses its interactive calls, and keeps those that can wait", async () => {
  const slow = await provider(() => ({ delayMs: 300, text: "one two three four five six" }));
  const quick = await provider(() => ({ text: "one two three four five six" }));
  const rates = "rates: { fixed_ms: 80, prefill_tokens_per_second: 100000, decode_tokens_per_second: 50 }, models: [{ id: m }]";
  const { ask, candidatesOf } = await setUp(
    pools(
      slow,
      quick,
      { cheap: `hourly_usd: 1, ${rates}`, dear: `hourly_usd: 4, ${rates}` },
      "sla: { interactive: { ttft_ms: 250, tpot_ms: 1000 } }",
    ),
  );
  expect((await ask(sla("interactive"))).pool).toBe("cheap");
  const { pool, decision } = await ask(sla("interactive"));
  expect(pool).toBe("dear");
  const [cheap, dear] = await candidatesOf(decision);
  expect(cheap?.ttft_uncorrected_ms).toBeLessThan(100);
  expect(cheap?.ttft_ms).toBeGreaterThan(250);
  expect(dear).toMatchObject({ pool: "dear", chosen: true });
  expect((await ask(sla("background"))).pool).toBe("cheap");
});

test("a long prompt that still waits for a slot counts in what the next call is told", async () => {
  const slow = await provider((_request, n) => (n === 1 ? { delayMs: 4_000 } : {}));
  const { url, ask, candidatesOf } = await setUp(`
pools:
  - name: one
    silicon: cpu
    engine: openai-compatible
    base_url: "${slow.url}/v1"
    slots: 1
    rates: { fixed_ms: 5, prefill_tokens_per_second: 1000, decode_tokens_per_second: 50 }
    models: [{ id: m }]
models:
  auto: { any_of: [m] }
`);
  const running = ask(sla("background"));
  await until(() => slow.ledger.length === 1, "the slot is taken");
  const waiting = ask(sla("background"), "word ".repeat(10_000));
  await until(async () => /queue_depth\{pool="one"[^}]*\} 1/.test(await (await fetch(`${url}/metrics`)).text()), "it waits");
  const next = ask(sla("background"));
  const [before, after] = await Promise.all([waiting, next].map(async (call) => (await candidatesOf((await call).decision))[0]));
  await running;
  // 20 ms a token, and four times that where three quarters of the time go into prompts.
  expect(before?.tpot_uncorrected_ms).toBeCloseTo(20, 0);
  expect(after?.tpot_uncorrected_ms).toBeCloseTo(80, 0);
});

const PRICED = (input: number) => `models: [{ id: m, input_usd_per_mtok: ${input}, output_usd_per_mtok: 1, cache_read_usd_per_mtok: 0.1 }]`;

test("a conversation stays where its prefix is warm, until that pool is seen to keep none", async () => {
  let cacheRead = 1_900;
  const other = await provider(() => ({ usage: { input: 2_000, output: 10 } }));
  const warm = await provider((_request, n) => ({ usage: { input: 2_000, output: 10, cacheRead: n === 1 ? 0 : cacheRead } }));
  const { ask, candidatesOf } = await setUp(
    pools(
      other,
      warm,
      { cheap: PRICED(1), dear: PRICED(1.5) },
      "routes: [{ name: first, when: { task: [first] }, use: { pools: [dear] } }]",
    ),
  );
  const prompt = "word ".repeat(1_600);
  const mine = { "x-signalbox-session": "mine" };
  expect((await ask({ ...mine, "x-signalbox-task": "first" }, prompt)).pool).toBe("dear");
  const { pool, decision } = await ask(mine, prompt);
  expect(pool).toBe("dear");
  const [cheap, dear] = await candidatesOf(decision);
  expect(cheap).not.toHaveProperty("warm_prefix_tokens");
  // Warm it costs 0.1 a token in place of 1.5: less than the other's 1.
  expect(dear?.warm_prefix_tokens).toBeGreaterThan(1_500);
  expect(dear?.cost_nanousd).toBeLessThan(cheap?.cost_nanousd ?? 0);
  expect((await ask({ "x-signalbox-session": "another" }, prompt)).pool).toBe("cheap");

  cacheRead = 0;
  await until(async () => (await ask(mine, prompt)).pool === "cheap", "the conversation leaves a pool that keeps nothing");
});

test("variants: each session keeps its own, and route, header and ledger agree", async () => {
  const [a, b] = [await provider(() => ({})), await provider(() => ({}))];
  const { ask } = await setUp(
    pools(
      a,
      b,
      { cheap: PRICED(1), dear: PRICED(9) },
      `routes:
  - name: drafts
    when: {}
    use: {}
    variants: [{ name: here, weight: 1, use: { pools: [cheap] } }, { name: there, weight: 1, use: { pools: [dear] } }]`,
    ),
  );
  const seen = new Map<string, number>();
  for (let session = 0; session < 12; session++) {
    const headers = { "x-signalbox-session": `session-${session}` };
    const [first, again] = [await ask(headers), await ask(headers)];
    expect(again).toMatchObject({ pool: first.pool, route: first.route });
    expect(first.route).toBe(first.pool === "cheap" ? "drafts/here" : "drafts/there");
    seen.set(first.pool, (seen.get(first.pool) ?? 0) + 2);
  }
  expect([seen.get("cheap"), seen.get("dear")]).toEqual([a.ledger.length, b.ledger.length]);
  expect(Math.min(a.ledger.length, b.ledger.length)).toBeGreaterThan(0);
});

test("a reply kept for one variant is none of another's", async () => {
  const [a, b] = [await provider(() => ({ text: "from here" })), await provider(() => ({ text: "from there" }))];
  const { ask } = await setUp(
    pools(
      a,
      b,
      { cheap: PRICED(1), dear: PRICED(9) },
      `routes:
  - name: drafts
    when: {}
    use: {}
    cache: { kind: exact, any_temperature: true }
    variants: [{ name: here, weight: 1, use: { pools: [cheap] } }, { name: there, weight: 1, use: { pools: [dear] } }]`,
    ),
  );
  for (let session = 0; session < 12; session++) await ask({ "x-signalbox-session": `session-${session}` });
  expect([a.ledger.length, b.ledger.length]).toEqual([1, 1]);
});

test("an image of a megabyte fits where its tokens fit, and leaves what is known of the length of tokens as it was", async () => {
  const engine = await provider(() => ({ text: "a cat", usage: { input: 1_500, output: 2 } }));
  const pool = `{ name: only, silicon: gpu, engine: openai-compatible, base_url: "${engine.url}/v1", models: [{ id: m, context_tokens: 8192 }] }`;
  const scheduler = await startSchedulerUnderTest(`pools: [${pool}]`, { token: "admin" });
  CLEAN_UP.push(() => scheduler.close());
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  const url = `data:image/jpeg;base64,${randomBytes(750_000).toString("base64")}`;
  const look = () =>
    client.chat.completions.create({
      model: "m",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url } },
          ],
        },
      ],
    });
  for (let n = 0; n < 10; n++) expect((await look()).choices[0]?.message.content).toBe("a cat");
  const text = "word ".repeat(8_000);
  const tooLong = client.chat.completions.create({ model: "m", messages: [{ role: "user", content: text }] });
  await expect(tooLong).rejects.toMatchObject({ message: expect.stringContaining("exceeds the context of 8192") });
});

test("a price that rises with use sends the next call elsewhere, and a call is charged what it was placed at", async () => {
  const gate = Promise.withResolvers<void>();
  const usage = { input: 1_000, output: 100 };
  const busy = await provider(async () => {
    await gate.promise;
    return { usage };
  });
  const spare = await provider(() => ({ usage }));
  const changes = "prices: [{ when: { utilisation_above: 0.4 }, multiply: 20 }, { when: { time: {} }, multiply: 0.5 }]";
  const { ask, sink } = await setUp(pools(busy, spare, { cheap: `${PRICED(1)}, ${changes}`, dear: PRICED(5) }));
  const first = ask({});
  await until(() => busy.ledger.length === 1, "the first call is at its pool");
  expect((await ask({})).pool).toBe("dear");
  gate.resolve();
  const { pool, decision } = await first;
  expect(pool).toBe("cheap");
  const attempt = (await sink.decision(decision, 2)).find(({ attributes }) => attributes[Attribute.attempt] === 1);
  expect(attempt?.attributes[Attribute.costNanousd]).toBe((1_000 * 1 + 100 * 1) * 1_000 * 0.5);
});

test("calls at once spread over replicas that nothing is known of", async () => {
  const replicas = [await provider(() => ({ delayMs: 50 })), await provider(() => ({ delayMs: 50 }))] as const;
  const { ask } = await setUp(`
pools:
  - { name: one, silicon: cloud, engine: openai-compatible, base_url: "${replicas[0].url}/v1", slots: 32, ${PRICED(1)} }
  - { name: two, silicon: cloud, engine: openai-compatible, base_url: "${replicas[1].url}/v1", slots: 32, ${PRICED(1)} }
models:
  auto: { any_of: [m] }
`);
  await Promise.all(Array.from({ length: 40 }, (_, index) => ask({ "x-signalbox-session": `s${index}` })));
  const counts = replicas.map(({ ledger }) => ledger.length);
  expect((counts[0] as number) + (counts[1] as number)).toBe(40);
  // Of forty tosses of a coin five or fewer are heads once in half a million runs; what is learned on the way pulls apart a little.
  expect(Math.min(...counts)).toBeGreaterThan(5);
});

test("/metrics and /control/pools tell used and idle hours apart, what is pending, and how far predictions are off", async () => {
  const [a, b] = [await provider(() => ({ delayMs: 100 })), await provider(() => ({}))];
  const { ask, url } = await setUp(pools(a, b, { cheap: "hourly_usd: 3600, models: [{ id: m }]", dear: PRICED(1e6) }));
  await ask(sla("interactive"));
  let metrics = "";
  // Counters move off the path, some moments later.
  await until(async () => {
    metrics = await (await fetch(`${url}/metrics`)).text();
    return metrics.includes("signalbox_overhead_seconds_bucket");
  }, "the call is counted");
  const value = (name: string, labels: Record<string, string>) => {
    const pairs = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
    const line = metrics.split("\n").find((one) => one.startsWith(`${name}{`) && pairs.every((pair) => one.includes(pair)));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")));
  };
  const used = value("signalbox_pool_hours_usd_total", { pool: "cheap", state: "used" });
  expect(used).toBeGreaterThan(0.09);
  expect(value("signalbox_pool_hours_usd_total", { pool: "cheap", state: "idle" })).toBeGreaterThan(0);
  expect(value("signalbox_pool_hours_usd_total", { pool: "dear" })).toBeUndefined();
  // One USD a second: the busy seconds are what is used.
  expect(value("signalbox_pool_busy_seconds_total", { pool: "cheap" })).toBeCloseTo(used ?? 0, 2);
  expect(value("signalbox_pool_call_seconds_total", { pool: "cheap" })).toBeCloseTo(used ?? 0, 2);
  expect(value("signalbox_pending_prefill_tokens", { pool: "cheap" })).toBe(0);
  expect(value("signalbox_queue_depth", { pool: "cheap" })).toBe(0);
  expect(value("signalbox_prediction_ratio", { pool: "cheap", class: "interactive", part: "ttft" })).toBeGreaterThan(0);
  expect(value("signalbox_overhead_seconds_bucket", { le: "0.1" })).toBe(1);

  const answer = await fetch(`${url}/control/pools`, { headers: { authorization: "Bearer admin" } });
  const { data } = (await answer.json()) as { data: { name: string; hours: { cost_nanousd: Record<string, string> | null } }[] };
  const cost = data.find(({ name }) => name === "cheap")?.hours.cost_nanousd;
  expect(Number(cost?.used) + Number(cost?.idle)).toBe(Number(cost?.allocated));
  expect(data.find(({ name }) => name === "dear")?.hours.cost_nanousd).toBeNull();
});
