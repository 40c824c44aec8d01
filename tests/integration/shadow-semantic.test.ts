/** Shadow traffic and routes by meaning, with the real client. */

import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { startProvider } from "../support/provider.ts";
import { startEmbeddingsProvider } from "../support/provider-embeddings.ts";
import { startSchedulerUnderTest, until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

/** @param tried the tryout pool answers when this resolves */
async function setUp(routes: string, { more = "", tried = Promise.resolve() } = {}) {
  const served = await startProvider({ script: () => ({ text: "served" }) });
  const tryout = await startProvider({ script: () => tried.then(() => ({ text: "tried out" })), prices: { input: 10, output: 40 } });
  const embeddings = await startEmbeddingsProvider();
  const scheduler = await startSchedulerUnderTest(
    `
pools:
  - name: main
    silicon: gpu
    engine: openai-compatible
    base_url: ${served.url}/v1
    models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4, max_output_tokens: 10 }]
  - name: tryout
    silicon: cpu
    engine: openai-compatible
    base_url: ${tryout.url}/v1
    slots: 4
    models: [{ id: next, input_usd_per_mtok: 10, output_usd_per_mtok: 40, max_output_tokens: 100 }]
  - name: vectors
    silicon: cpu
    engine: openai-compatible
    base_url: ${embeddings.url}/v1
    models: [{ id: words, input_usd_per_mtok: 2 }]
routes:
${routes}
${more}`,
    { token: "admin" },
  );
  CLEAN_UP.push(
    () => served.close(),
    () => tryout.close(),
    () => embeddings.close(),
    () => scheduler.close(),
  );
  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "admin", maxRetries: 0 });
  const ask = (content: string) =>
    client.chat.completions.create(
      { model: "m", messages: [{ role: "user", content }] },
      { headers: { "x-signalbox-session": "s1", "x-signalbox-project": "acme" } },
    );
  const metrics = async () => (await fetch(`${scheduler.url}/metrics`)).text();
  /** By scope and id, nano-USD. */
  const spent = async () => {
    const response = await fetch(`${scheduler.url}/control/budgets`, { headers: { authorization: "Bearer admin" } });
    const { data } = (await response.json()) as { data: { scope: string; id: string; spent_nanousd: string; reserved_nanousd: string }[] };
    return Object.fromEntries(data.map((row) => [`${row.scope} ${row.id}`, [Number(row.spent_nanousd), Number(row.reserved_nanousd)]]));
  };
  return { served, tryout, embeddings, scheduler, ask, metrics, spent };
}

test("a copy goes to the shadow's pool, is charged to a session of its own, and the client never waits for it", async () => {
  const { promise: tried, resolve: answer } = Promise.withResolvers<void>();
  const { served, tryout, scheduler, ask, metrics } = await setUp(
    "  - { name: half, when: {}, use: {}, shadow: { pool: tryout, share: 1, max_usd_per_day: 5 } }",
    { tried },
  );
  const { data, response } = await ask("hello").withResponse();
  expect(data.choices[0]?.message.content).toBe("served");
  answer();

  const decision = response.headers.get(ResponseHeader.decision);
  const copies = () => scheduler.sink.spans.filter((span) => span.attributes[Attribute.shadow] === decision);
  await until(() => copies().length === 2, "both spans of the copy");
  const attempt = copies().find((span) => span.attributes[Attribute.attempt] === 1);
  expect(attempt?.attributes).toMatchObject({
    [Attribute.sessionId]: "signalbox:shadow:half",
    [Attribute.pool]: "tryout",
    [Attribute.requestModel]: "next",
    [Attribute.costNanousd]: tryout.charged(),
  });
  expect(attempt?.traceId).not.toBe(response.headers.get(ResponseHeader.traceresponse)?.split("-")[1]);
  const own = scheduler.sink.spans.filter((span) => span.attributes[Attribute.sessionId] === "s1");
  expect(own.reduce((sum, span) => sum + Number(span.attributes[Attribute.costNanousd] ?? 0), 0)).toBe(served.charged());
  expect(await metrics()).toMatch(/signalbox_shadow_requests_total\{route="half",result="sent"[^}]*\} 1/);
});

test("copies stop at their share of slots, at their number and at their budget, and are counted", async () => {
  const { promise: tried, resolve: answer } = Promise.withResolvers<void>();
  const { tryout, ask, metrics } = await setUp(
    "  - { name: copied, when: { keywords: [copy] }, use: {}, shadow: { pool: tryout, share: 1, max_concurrent: 2, max_usd_per_day: 5 } }\n" +
      "  - { name: poor, when: {}, use: {}, shadow: { pool: tryout, share: 1, max_usd_per_day: 0.000001 } }",
    { tried },
  );
  for (let n = 0; n < 4; n++) await ask("copy this");
  await ask("something else");
  const text = await metrics();
  expect(text).toMatch(/signalbox_shadow_requests_total\{route="copied",result="sent"[^}]*\} 2/);
  expect(text).toMatch(/signalbox_shadow_requests_total\{route="copied",result="busy"[^}]*\} 2/);
  expect(text).toMatch(/signalbox_shadow_requests_total\{route="poor",result="budget"[^}]*\} 1/);
  await expect.poll(() => tryout.ledger.length).toBe(2);
  answer();
});

test("a copy that fails is nothing to the client", async () => {
  const { tryout, scheduler, ask } = await setUp(
    "  - { name: copied, when: {}, use: {}, shadow: { pool: tryout, share: 1, max_usd_per_day: 5 } }",
  );
  await tryout.close();
  expect((await ask("hello")).choices[0]?.message.content).toBe("served");
  await until(() => scheduler.sink.spans.some((span) => span.attributes[Attribute.shadow] && span.statusCode === 2), "the copy's failure");
});

const budgets = (limits: Record<string, number>) =>
  `budgets: [${Object.entries(limits).map(([scope, usd]) => `{ scope: ${scope}, limit_usd: ${usd}, ladder: [{ at: 1, do: pause }] }`)}]`;
const COPIED = "  - { name: copied, when: {}, use: {}, shadow: { pool: tryout, share: 1, max_usd_per_day: 5 } }";

test("a copy counts for its project's budget and the global one, and for no budget of who asked", async () => {
  const { served, tryout, ask, spent } = await setUp(COPIED, { more: budgets({ global: 1, project: 1, session: 1, agent: 1 }) });
  await ask("hello");
  await until(() => tryout.ledger.some((entry) => entry.complete), "the copy");
  const own = [served.charged(), 0];
  const all = [served.charged() + tryout.charged(), 0];
  await until(async () => (await spent())["global global"]?.[0] === all[0], "the copy is settled");
  expect(await spent()).toEqual({ "global global": all, "project acme": all, "session s1": own, "agent s1": own });
});

test("a budget that has no room for a copy leaves it out, counted", async () => {
  // The request may cost up to 0.0004 USD, its copy up to 0.007.
  const { tryout, ask, metrics, spent } = await setUp(COPIED, { more: budgets({ global: 0.003 }) });
  expect((await ask("hello")).choices[0]?.message.content).toBe("served");
  await until(async () => /shadow_requests_total\{route="copied",result="budget"[^}]*\} 1/.test(await metrics()), "it is counted");
  expect(tryout.ledger).toHaveLength(0);
  expect((await spent())["global global"]?.[1]).toBe(0);
});

const MEANING = `  - { name: travel, when: { semantic: { examples: ["book a flight to Rome", "find me a cheap hotel room"], threshold: 0.6 } }, use: {} }
  - { name: rest, when: {}, use: {} }`;
const SEMANTIC = "semantic: { embeddings: { pool: vectors, model: words }, timeout_ms: 5000 }";

test("a route matches by meaning: the score is recorded, a text is embedded once, and the vectors are paid for", async () => {
  const { embeddings, scheduler, ask } = await setUp(MEANING, { more: SEMANTIC });
  await until(() => scheduler.log.some((line) => line.includes("semantic routes are ready")), "vectors of the examples");
  const { response } = await ask("please book a flight to Rome").withResponse();
  expect(response.headers.get(ResponseHeader.route)).toBe("travel");
  const [span] = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  const schedule =
    span?.attributes[Attribute.attempt] === undefined ? span : scheduler.sink.spans.find((one) => one.spanId === span.parentSpanId);
  expect(schedule?.attributes[Attribute.semanticScore]).toBeGreaterThan(0.6);
  expect(schedule?.attributes[Attribute.routeReason]).toContain('means "book a flight to Rome"');

  expect((await ask("please book a flight to Rome").withResponse()).response.headers.get(ResponseHeader.route)).toBe("travel");
  expect((await ask("prove the theorem").withResponse()).response.headers.get(ResponseHeader.route)).toBe("rest");
  expect(embeddings.ledger.map(({ texts }) => texts.length)).toEqual([2, 1, 1]);
  const tokens = embeddings.ledger.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  const paid = () =>
    scheduler.sink.spans
      .filter(({ attributes }) => attributes[Attribute.sessionId] === "signalbox:semantic")
      .reduce((sum, { attributes }) => sum + Number(attributes[Attribute.costNanousd] ?? 0), 0);
  await until(() => paid() === tokens * 2_000, "the cost of all vectors");
});

test("vectors count for the global budget, and are left out where it has no room for them", async () => {
  const { served, embeddings, scheduler, ask, spent } = await setUp(MEANING, { more: `${SEMANTIC}\n${budgets({ global: 1 })}` });
  await until(() => scheduler.log.some((line) => line.includes("semantic routes are ready")), "vectors of the examples");
  await ask("please book a flight to Rome");
  const tokens = embeddings.ledger.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  await until(async () => (await spent())["global global"]?.[0] === served.charged() + tokens * 2_000, "all of it counts");

  const poor = await setUp(MEANING, { more: `${SEMANTIC}\n${budgets({ global: 0.00001 })}` });
  await until(() => poor.scheduler.log.some((line) => line.includes("no vectors of examples yet")), "a refusal");
  expect(poor.scheduler.log.find((line) => line.includes("no vectors of examples yet"))).toContain("budget_exhausted");
  expect(poor.embeddings.ledger).toHaveLength(0);
});

test("a model that is too slow is not waited for, and the decision says so", async () => {
  const { embeddings, scheduler, ask, metrics } = await setUp(MEANING, { more: SEMANTIC.replace("5000", "50") });
  await until(() => scheduler.log.some((line) => line.includes("semantic routes are ready")), "vectors of the examples");
  embeddings.delayMs = 1_000;
  const { response } = await ask("please book a flight to Rome").withResponse();
  expect(response.headers.get(ResponseHeader.route)).toBe("rest");
  const spans = await scheduler.sink.decision(response.headers.get(ResponseHeader.decision) ?? "", 2);
  expect(spans[0]?.attributes[Attribute.routeReason]).toContain("no vector within 50 ms");
  expect(await metrics()).toMatch(/signalbox_semantic_skipped_total(\{[^}]*\})? 1/);
});
