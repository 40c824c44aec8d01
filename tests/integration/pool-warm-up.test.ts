/** Remote pools that ask for it are measured when they start, by calls that are paid for and in the books. */

import { Attribute } from "@signalbox/otel/conventions";
import { afterEach, expect, test } from "vitest";
import { type Provider, type ReplyPlan, type ScriptedRequest, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const DECODE_MS = 80;
const PREFILL_MS = 1_000;
const LONG = 2_000;

/** Reads a long prompt in a second, and writes a token every 80 ms. */
const paced = ({ rawBody }: ScriptedRequest): ReplyPlan => ({
  text: "one two three four five six seven eight nine ten",
  delayMs: rawBody.length > LONG ? PREFILL_MS : 0,
  chunkDelayMs: DECODE_MS,
});

const DIALECTS = {
  chat: { start: startProvider, pool: (url: string) => `engine: openai-compatible\n    base_url: ${url}/v1` },
  responses: {
    start: startResponsesProvider,
    pool: (url: string) => `engine: openai-compatible\n    base_url: ${url}/v1\n    dialects: [responses]`,
  },
  messages: { start: startAnthropicProvider, pool: (url: string) => `engine: anthropic\n    base_url: ${url}` },
};

async function serve(engine: string, more = "") {
  const scheduler = await startSchedulerUnderTest(
    `
pools:
  - name: measured
    silicon: cloud
    ${engine}
    warmup: true
    models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
${more}`,
    { token: "admin" },
  );
  CLEAN_UP.push(() => scheduler.close());
  const control = async <Body>(path: string) =>
    (await (await fetch(`${scheduler.url}${path}`, { headers: { authorization: "Bearer admin" } })).json()) as Body;
  const speed = async () => {
    const { data } = await control<{
      data: { speed: { measured_at: string | null; prefill_tokens_per_second: number; decode_ms_per_token: number } }[];
    }>("/control/pools");
    return data[0]?.speed;
  };
  return { scheduler, control, speed };
}

test.each(["chat", "responses", "messages"] as const)("a pool that speaks %s", async (dialect) => {
  const { start, pool } = DIALECTS[dialect];
  const provider: Provider = await start({ script: paced });
  CLEAN_UP.push(() => provider.close());
  const { scheduler, speed } = await serve(pool(provider.url));
  await until(async () => typeof (await speed())?.measured_at === "string", "it is measured");
  const measured = await speed();
  // Chunks that come while this process stands still are read together: some of the nine gaps are lost. What is assumed is 20 ms.
  expect(measured?.decode_ms_per_token).toBeGreaterThan(DECODE_MS / 2);
  const tokens = provider.ledger[2]?.usage.input ?? 0;
  expect(tokens).toBeGreaterThan(1_000);
  // The prompt's own time is what the long one took more than the short one: that is slow only where this process stood still meanwhile.
  const shortMs = Number(/first_token_ms=(\d+)/.exec(scheduler.log.join(""))?.[1]);
  const prefillMs = Math.max(PREFILL_MS - shortMs, PREFILL_MS / 10);
  expect(measured?.prefill_tokens_per_second).toBeLessThan((1.01 * tokens * 1_000) / prefillMs);

  expect(provider.ledger.map(({ stream, complete }) => [stream, complete])).toEqual(Array(3).fill([true, true]));
  // Its books are the provider's: three calls of a session of the scheduler's own.
  await until(() => scheduler.sink.spans.filter((span) => Attribute.attempt in span.attributes).length === 3, "all are recorded");
  const attempts = scheduler.sink.spans.filter((span) => Attribute.attempt in span.attributes);
  const cost = attempts.reduce((sum, { attributes }) => sum + Number(attributes[Attribute.costNanousd]), 0);
  expect(cost).toBe(provider.ledger.reduce((sum, { usage }) => sum + usage.input * 1_000 + usage.output * 4_000, 0));
  expect(new Set(attempts.map(({ attributes }) => attributes[Attribute.sessionId]))).toEqual(new Set(["signalbox:warm-up"]));
  expect(scheduler.log.join("")).toContain(`cost_nanousd=${cost}`);
});

test("an engine that is down is measured when its probe finds it up, and once", async () => {
  const gone = await startProvider();
  await gone.close();
  const { scheduler, speed } = await serve(`${DIALECTS.chat.pool(gone.url)}\n    probe: { interval_ms: 80 }`);
  await until(() => scheduler.log.some((line) => line.includes("does not answer its probe")), "it is found down");
  expect((await speed())?.measured_at).toBeNull();
  const provider = await startProvider({ port: Number(new URL(gone.url).port) });
  CLEAN_UP.push(() => provider.close());
  await until(async () => typeof (await speed())?.measured_at === "string", "it is measured");
  expect(provider.ledger).toHaveLength(3);
});

test("what cannot be measured is said, and the pool serves at the rates that were assumed", async () => {
  const provider = await startProvider({ script: (_request, n) => (n === 1 ? { error: { status: 500 } } : {}) });
  CLEAN_UP.push(() => provider.close());
  const { scheduler, speed } = await serve(DIALECTS.chat.pool(provider.url));
  await until(() => scheduler.log.some((line) => line.includes("could not be measured")), "it is said");
  expect(scheduler.log.join("")).toMatch(/pool=measured reason="a call was answered with 500 \(500\)"/);
  expect(await speed()).toMatchObject({ measured_at: null, decode_ms_per_token: 20 });
  expect(provider.ledger).toHaveLength(1);
});

test("a budget that has no room for it keeps it from being measured", async () => {
  const provider = await startProvider();
  CLEAN_UP.push(() => provider.close());
  const { scheduler } = await serve(
    DIALECTS.chat.pool(provider.url),
    "budgets: [{ scope: global, limit_usd: 0.0000001, ladder: [{ at: 1, do: kill }] }]",
  );
  await until(() => scheduler.log.some((line) => line.includes("could not be measured")), "it is said");
  expect(provider.ledger).toHaveLength(0);
});
