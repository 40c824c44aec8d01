/** Repricing a period: every total follows, exactly, and what others said of a cost stays. */
import { PRICES, type PriceRow } from "@signalbox/otel/prices";
import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { explain } from "../../collector-processor/src/prices/explain.ts";
import { reprice } from "../../collector-processor/src/prices/reprice.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { recount, rollups } from "./collector-recount.ts";
import { emptyTables, NOW, post, request, span, type TestSpan, testCollector, untilReady } from "./collector-support.ts";

const HOUR_MS = 3_600_000;
const EVER = { from: new Date(NOW - 365 * 24 * HOUR_MS), to: new Date(NOW + 24 * HOUR_MS) };
const USAGE = { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 };

let database: TestDatabase;
let collector: Collector;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url);
  await untilReady(collector.url);
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
});
beforeEach(() => emptyTables(database.url));
afterAll(async () => {
  await sql.end();
  await collector.close();
  await database.drop();
});

const call = (id: number, attributes: Record<string, string | number | boolean>, more: Partial<TestSpan> = {}) =>
  span({
    trace: 1,
    id,
    attributes: {
      "session.id": `s${id % 3}`,
      "signalbox.agent.id": `a${id % 4}`,
      "gen_ai.operation.name": "chat",
      ...USAGE,
      ...attributes,
    },
    ...more,
  });
const send = async (spans: ReturnType<typeof span>[]) => expect((await post(collector.url, request(spans))).status).toBe(200);
const row = (model: RegExp, input: number, output: number): PriceRow => ({
  own: true,
  provider: "*",
  model,
  input,
  output,
  source: "a test of repricing",
  read: "2026-11-21",
});
const costs = async () =>
  Object.fromEntries(
    (await sql`select encode(span_id, 'hex') as id, cost_nusd, cost_source from signalbox.spans order by 1`).map(
      ({ id, cost_nusd, cost_source }) => [Number.parseInt(id, 16), [cost_nusd === null ? null : Number(cost_nusd), cost_source]],
    ),
  );
const expectRecount = async () => expect(await rollups(sql)).toEqual(await recount(sql));

it("prices again what it priced, and what it could not; the totals equal a recount", async () => {
  await send([
    call(1, { "gen_ai.request.model": "claude-haiku-4-5" }),
    call(2, { "gen_ai.request.model": "house-model" }),
    call(3, { "gen_ai.request.model": "claude-haiku-4-5", "signalbox.cost.nanousd": 42, "signalbox.cost.source": "reported" }),
    call(4, {
      "gen_ai.request.model": "claude-haiku-4-5",
      "signalbox.attempt": 1,
      "signalbox.cost.nanousd": 7,
      "signalbox.cost.source": "priced",
    }),
    call(5, { "gen_ai.request.model": "claude-haiku-4-5" }, { at: 2 * HOUR_MS }),
    call(6, { "gen_ai.request.model": "text-embedding-3-small", "gen_ai.operation.name": "embeddings" }),
    // Anthropic's cache: 600 read, 200 written, 50 of these for an hour
    call(7, {
      "gen_ai.request.model": "claude-haiku-4-5",
      "gen_ai.usage.cache_read.input_tokens": 600,
      "gen_ai.usage.cache_creation.input_tokens": 200,
      "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens": 50,
    }),
    call(8, { "gen_ai.request.model": "gpt-5.5", "openai.response.service_tier": "flex" }),
  ]);
  const before = await costs();
  // 1,000 × 1,000 + 100 × 5,000; 200 × 1,000 + 600 × 100 + 150 × 1,250 + 50 × 2,000 + 100 × 5,000; half of 1,000 × 5,000 + 100 × 30,000
  expect(before).toMatchObject({ 1: [1_500_000, "priced"], 2: [null, "unknown"], 7: [1_047_500, "priced"], 8: [4_000_000, "priced"] });

  // the same prices: nothing changes
  expect(await reprice(sql, PRICES, EVER, false)).toMatchObject({ calls: 6, changed: 0 });
  expect(await costs()).toEqual(before);

  // only the first two hours, and not even these when dry
  const prices = [row(/^claude-haiku-4-5$/, 2, 10), row(/^house-model$/, 0.5, 1), row(/^text-embedding-3-small$/, 0.04, 0), ...PRICES];
  const twoHours = { from: EVER.from, to: new Date(NOW + HOUR_MS) };
  expect(await reprice(sql, prices, twoHours, true)).toMatchObject({ calls: 5, changed: 4, unknownBefore: 1, unknownAfter: 0 });
  expect(await costs()).toEqual(before);
  await reprice(sql, prices, twoHours, false);
  expect(await costs()).toEqual({
    ...before,
    1: [3_000_000, "priced"],
    2: [600_000, "priced"],
    6: [40_000, "priced"],
    // without cache prices of its own all input costs the same
    7: [3_000_000, "priced"],
  });
  await expectRecount();

  // the price of a model is no longer known: unknown, never 0
  await reprice(
    sql,
    PRICES.filter((price) => !price.model.test("claude-haiku-4-5")),
    EVER,
    false,
  );
  expect(await costs()).toMatchObject({ 1: [null, "unknown"], 3: [42, "reported"], 4: [7, "priced"], 5: [null, "unknown"] });
  await expectRecount();

  // and back
  await reprice(sql, PRICES, EVER, false);
  expect(await costs()).toEqual(before);
  await expectRecount();
});

it("keeps the totals right while spans of the same sessions arrive", async () => {
  const batch = (round: number) =>
    Array.from({ length: 40 }, (_, index) => call(round * 100 + index + 1, { "gen_ai.request.model": "gpt-5" }));
  for (let round = 0; round < 10; round++) {
    const prices = [row(/^gpt-5$/, 1 + round, 2), ...PRICES];
    await Promise.all([send(batch(round)), reprice(sql, prices, EVER, false), reprice(sql, prices, EVER, false)]);
  }
  await expectRecount();
});

it("explains a call: the row, its source, the arithmetic, or what is missing", async () => {
  await send([
    call(1, {
      "gen_ai.request.model": "claude-haiku-4-5",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.usage.cache_read.input_tokens": 600,
    }),
    call(2, { "gen_ai.request.model": "house-model" }),
  ]);
  const [known] = await explain(sql, PRICES, "0000000000000001", undefined);
  expect(known).toMatchObject({ cost_nanousd: "960000", cost_source: "priced", priced_nanousd: 960_000 });
  expect(known?.source).toContain("platform.claude.com");
  expect(known?.why).toEqual([
    "the provider's own row",
    "pattern ^claude-haiku-4-5 takes 16 of 16 characters of claude-haiku-4-5",
    "input: 400 × 1 USD per million",
    "cache read: 600 × 0.1 USD per million",
    "output: 100 × 5 USD per million",
  ]);
  const [unknown] = await explain(sql, PRICES, "0000000000000002", "00000000000000000000000000000001");
  expect(unknown).toMatchObject({
    cost_nanousd: null,
    priced_nanousd: null,
    why: [expect.stringContaining("signalbox prices set house-model")],
  });
  expect(await explain(sql, PRICES, "00000000000000ff", undefined)).toEqual([]);
});
