import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { recount, rollups } from "./collector-recount.ts";
import { emptyTables, type Json, post, request, span, testCollector, untilReady } from "./collector-support.ts";

let database: TestDatabase;
let collector: Collector;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url);
  await untilReady(collector.url);
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
});
beforeEach(() => emptyTables(database.url));
afterAll(async () => {
  await collector.close();
  await sql.end();
  await database.drop();
});

/** Odd durations, ties of rounding, sums beyond 2^53, several projects, routes, hours and agents, errors and unknown prices. */
function oddSpans(count: number): Json[] {
  return Array.from({ length: count }, (_, index) => {
    const session = `s${index % 3}`;
    const isCall = index % 4 !== 0;
    return span({
      trace: 1 + (index % 7),
      id: index + 1,
      at: index * 173_000,
      ms: index % 11 === 0 ? 40 * 86_400_000 : index / 3,
      ...(index % 6 === 0 ? { error: `failed ${index % 13} \u{1f600}` } : {}),
      attributes: {
        ...(index % 5 === 0 ? {} : { "session.id": session, "signalbox.agent.id": index % 2 ? session : `${session}/sub` }),
        "gen_ai.operation.name": isCall ? "chat" : index % 8 ? "execute_tool" : "invoke_agent",
        "gen_ai.request.model": index % 9 ? "claude-sonnet-4-6" : "no-such-model",
        "gen_ai.usage.input_tokens": 99_999_999_999 - index,
        "gen_ai.usage.output_tokens": index,
        ...(index % 10 === 1 ? { "signalbox.cost.nanousd": 99_999_999_999_999 } : {}),
        "signalbox.project": index % 3 ? "main" : "\uffee side",
        "signalbox.route": `route-${index % 4}`,
        "signalbox.prefill_ms": index / 2048,
        "signalbox.decode_ms": 0.1 * index,
        ...(index % 2 ? { "signalbox.sla.met": index % 7 === 0 } : {}),
      },
    });
  });
}

it("has rollups, sessions and agents that equal a recount from the spans, also when half a batch was stored before", async () => {
  const spans = oddSpans(600);
  // all new; some new, in any order; none new
  for (const part of [spans.slice(0, 250), spans.slice(100, 400).reverse(), spans.slice(300), spans.slice(0, 300)]) {
    expect((await post(collector.url, request(part))).status).toBe(200);
    expect(await rollups(sql)).toEqual(await recount(sql));
  }
  expect((await sql`select count(*)::int as spans from signalbox.spans`)[0]?.spans).toBe(600);
});

it("stores the content of new spans only, and each message once", async () => {
  const message = (text: string) => JSON.stringify([{ role: "user", parts: [{ type: "text", content: text }] }]);
  const call = (id: number, text: string) =>
    span({ trace: 1, id, attributes: { "session.id": "s", "gen_ai.input.messages": message(text) } });
  await post(collector.url, request([call(1, "a"), call(2, "a"), call(3, "b")]));
  // the same span says something else now: the first that was stored stays, and nothing is kept that no span shows
  await post(collector.url, request([call(3, "changed"), call(4, "c")]));
  const bodies = await sql`select body #>> '{parts,0,content}' as text from signalbox.messages order by 1`;
  expect(bodies.map((row) => row.text)).toEqual(["a", "b", "c"]);
  const [shown] = await sql`select count(*)::int as n from signalbox.span_messages`;
  expect(shown?.n).toBe(4);
});

it("stores messages that it takes for new, also those that another collector has stored", async () => {
  const call = (id: number, texts: string[]) => {
    const messages = texts.map((content) => ({ role: "user", parts: [{ type: "text", content }] }));
    return span({ trace: 1, id, attributes: { "session.id": "s", "gen_ai.input.messages": JSON.stringify(messages) } });
  };
  const other = await testCollector(database.url);
  try {
    await untilReady(other.url);
    await post(collector.url, request([call(1, ["d"]), call(2, ["d", "e"])]));
    await post(other.url, request([call(3, ["d", "e", "f"])]));
    await post(other.url, request([call(4, ["d", "e", "f", "g"])]));
    await post(collector.url, request([call(5, ["d", "e", "f", "g", "h"])]));
  } finally {
    await other.close();
  }
  const said = await sql`
    select string_agg(body #>> '{parts,0,content}', '' order by place) as texts
    from signalbox.span_messages shown cross join unnest(hashes) with ordinality as said(hash, place)
    left join signalbox.messages using (session_id, hash) group by span_id order by span_id`;
  expect(said.map((row) => row.texts)).toEqual(["d", "de", "def", "defg", "defgh"]);
  expect((await sql`select count(*)::int as n from signalbox.messages`)[0]?.n).toBe(5);
});

it("takes the same batch from many clients at once, and stores it once", async () => {
  const batch = request(oddSpans(120));
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(collector.url, batch)));
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  expect((await sql`select count(*)::int as spans from signalbox.spans`)[0]?.spans).toBe(120);
  expect(await rollups(sql)).toEqual(await recount(sql));
});
