import { NotifyChannel } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { dump, emptyTables, type Json, post, request, span, testCollector, untilReady, withoutSlots } from "./collector-support.ts";

const CHAT = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-6" };

/** One session: a turn, a routed call with its scheduler spans, a tool that spawns a sub-agent, the sub-agent's turn, errors, a nameless trace. */
function sessionSpans(): Json[] {
  const root = {
    "session.id": "agent:main:main",
    "signalbox.agent.id": "agent:main:main",
    "gen_ai.agent.name": "main",
    "signalbox.channel": "telegram",
  };
  const child = {
    "session.id": "agent:main:main",
    "signalbox.agent.id": "agent:main:subagent:1",
    "signalbox.agent.parent_id": "agent:main:main",
    "signalbox.agent.depth": 1,
    "signalbox.agent.spawned_by_tool_call": "call_7",
    "gen_ai.agent.name": "helper",
  };
  const messages = JSON.stringify([{ role: "user", parts: [{ type: "text", content: "hello" }] }]);
  const answer = JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "hi" }] }]);
  const usage = { "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100 };
  const spans: Json[] = [
    span({ trace: 1, id: 1, name: "invoke_agent main", ms: 900, attributes: { ...root, "gen_ai.operation.name": "invoke_agent" } }),
    span({
      trace: 1,
      id: 2,
      parent: 1,
      attributes: { ...root, ...CHAT, ...usage, "signalbox.routed": true, "gen_ai.input.messages": messages },
    }),
    span({ trace: 1, id: 3, parent: 2, attributes: { ...root, "gen_ai.operation.name": "schedule", "signalbox.decision.id": "d1" } }),
    span({
      trace: 1,
      id: 4,
      parent: 3,
      error: "overloaded",
      attributes: {
        ...root,
        ...CHAT,
        "signalbox.attempt": 1,
        "signalbox.pool": "gpu-a",
        "signalbox.cost.nanousd": 0,
        "signalbox.prefill_ms": 0.1,
      },
    }),
    span({
      trace: 1,
      id: 5,
      parent: 3,
      at: 20,
      attributes: {
        ...root,
        ...CHAT,
        ...usage,
        "signalbox.attempt": 2,
        "signalbox.pool": "gpu-b",
        "signalbox.pool.silicon": "gpu",
        "signalbox.cost.nanousd": 123_456,
        "signalbox.cost.source": "measured",
        "signalbox.prefill_ms": 0.3,
        "signalbox.decode_ms": 12.7,
        "gen_ai.input.messages": messages,
        "gen_ai.output.messages": answer,
      },
    }),
    span({
      trace: 1,
      id: 6,
      parent: 1,
      at: 30,
      attributes: { ...root, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "call_7" },
    }),
    span({ trace: 1, id: 7, parent: 6, at: 40, attributes: { ...child, "gen_ai.operation.name": "invoke_agent" } }),
    span({
      trace: 1,
      id: 8,
      parent: 7,
      at: 50,
      error: "zz later",
      attributes: { ...child, ...CHAT, "signalbox.route": "unknown-model", "gen_ai.request.model": "no-such" },
    }),
    span({ trace: 1, id: 9, parent: 7, at: 50, error: "aa later", attributes: { ...child, "gen_ai.operation.name": "execute_tool" } }),
    // says no session: stored under its trace, joined by the alias
    span({ trace: 1, id: 10, parent: 1, at: 60, name: "GET /", attributes: { "http.request.method": "GET" } }),
    span({ trace: 2, id: 11, at: 70, attributes: { ...CHAT, ...usage, "gen_ai.usage.cache_read.input_tokens": 600 } }),
  ];
  for (let index = 0; index < 40; index++) {
    const prefill = 0.1 + index * 1.7;
    spans.push(
      span({
        trace: 3,
        id: 100 + index,
        at: index * 11,
        attributes: { ...root, ...CHAT, ...usage, "signalbox.prefill_ms": prefill, "signalbox.sla.met": index % 3 > 0 },
      }),
    );
  }
  // two sessions on one trace: the least id wins the alias
  spans.push(
    span({ trace: 3, id: 200, attributes: { "session.id": "zzz" } }),
    span({ trace: 3, id: 201, attributes: { "gen_ai.conversation.id": "bbb" } }),
  );
  return spans;
}

/** A small generator of pseudo-random numbers, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

describe.each([1, 2])("the store, %i writer(s)", (writers) => {
  let database: TestDatabase;
  let collector: Collector;
  beforeAll(async () => {
    database = await createDatabase();
    collector = await testCollector(database.url, `collector: { writers: ${writers}, group_spans: 7 }`);
    await untilReady(collector.url);
  });
  beforeEach(() => emptyTables(database.url));
  afterAll(async () => {
    await collector.close();
    await database.drop();
  });

  it("turns a session's spans into the rows that they mean", async () => {
    expect((await post(collector.url, request(sessionSpans()))).status).toBe(200);
    const tables = await dump(database.url);
    const row = (table: string, match: Json) =>
      tables[table]?.find((candidate) => Object.entries(match).every(([key, value]) => (candidate as Json)[key] === value));
    expect(tables.spans).toHaveLength(53);

    const session = row("sessions", { session_id: "agent:main:main" });
    // calls: attempts 4 and 5, the sub-agent's 8, and the 40; the routed chat span is none
    expect(session).toMatchObject({ spans: 49, turns: 2, calls: 43, tool_calls: 2, errors: 3, agent_name: "main", channel: "telegram" });
    // 41 calls of 1,000 in and 100 out; the failed attempts said nothing
    expect(session).toMatchObject({ input_tokens: 41_000, output_tokens: 4_100, unknown_cost_calls: 1 });
    // 40 x (1,000 x 3 + 100 x 15) USD per million = 40 x 4,500,000 nano-USD, and what was measured
    expect(session).toMatchObject({ cost_nusd: 40 * 4_500_000 + 123_456 });
    // on the baseline, Opus 4.6 at 5 and 25: 7,500,000 nano-USD each
    expect(session).toMatchObject({ baseline_nusd: 41 * 7_500_000 });
    expect(session).toMatchObject({
      last_error: "zz later",
      first_time: "2026-11-20T10:00:00+00:00",
      last_time: "2026-11-20T10:00:00.9+00:00",
    });

    expect(row("agents", { agent_id: "agent:main:subagent:1" })).toMatchObject({
      parent_agent_id: "agent:main:main",
      spawned_by_tool_call: "call_7",
      depth: 1,
      agent_name: "helper",
      turns: 1,
      calls: 1,
      tool_calls: 1,
      errors: 2,
      unknown_cost_calls: 1,
    });
    expect(tables.session_aliases).toEqual([
      { alias: "t:00000000000000000000000000000001", session_id: "agent:main:main", is_stored: false },
      { alias: "t:00000000000000000000000000000003", session_id: "agent:main:main", is_stored: false },
    ]);
    // said by two spans, stored once
    expect(tables.messages).toHaveLength(2);
    expect(tables.span_messages).toHaveLength(3);
    expect(row("route_hour", { pool: "gpu-b" })).toMatchObject({
      calls: 1,
      silicon: "gpu",
      model: "claude-sonnet-4-6",
      cost_nusd: 123_456,
      busy_ms: 13,
    });
    expect(row("sessions", { session_id: "t:00000000000000000000000000000002" })).toMatchObject({
      spans: 1,
      calls: 1,
      cache_read_tokens: 600,
    });
  });

  it("keeps every nanosecond, and the attributes that have no column", async () => {
    await post(
      collector.url,
      request([span({ trace: 9, id: 321, ms: 1.000007, attributes: { "app.plan": "gold", "signalbox.tier": 2 } })], {
        "service.name": "svc",
        "host.name": "h1",
      }),
    );
    const stored = (await dump(database.url)).spans?.[0] as Json;
    expect(stored).toMatchObject({ start_nanos: 321, duration_ns: 1_000_007, tier: 2, service_name: "svc" });
    expect(stored.attributes).toEqual({
      "app.plan": "gold",
      resource: { "host.name": "h1" },
      scope: { name: "test", version: "1" },
    });
  });

  it("gives the same tables whatever the order, the split and the repetitions", { timeout: 240_000 }, async () => {
    const spans = sessionSpans();
    await post(collector.url, request(spans));
    const expected = withoutSlots(await dump(database.url));
    for (let seed = 1; seed <= 30; seed++) {
      await emptyTables(database.url);
      const next = random(seed);
      const queue = shuffled([...spans, ...shuffled(spans, next).slice(0, 20)], next);
      const posts: Promise<{ status: number }>[] = [];
      while (queue.length > 0) {
        const batch = request(queue.splice(0, 1 + Math.floor(next() * 9)));
        posts.push(post(collector.url, batch));
        if (next() < 0.3) posts.push(post(collector.url, batch));
        if (next() < 0.5) await Promise.all(posts);
      }
      for (const { status } of await Promise.all(posts)) expect(status).toBe(200);
      expect(withoutSlots(await dump(database.url)), `seed ${seed}`).toEqual(expected);
    }
  });

  it("counts a span once that stands in one batch twice", async () => {
    const twice = span({
      trace: 5,
      id: 1,
      attributes: { "session.id": "s", ...CHAT, "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 1 },
    });
    await post(collector.url, request([twice, twice]));
    const { spans, sessions } = await dump(database.url);
    expect(spans).toHaveLength(1);
    expect(sessions?.[0]).toMatchObject({ spans: 1, calls: 1, input_tokens: 7 });
  });

  it("tells listeners which sessions changed, after the commit", async () => {
    const sql = postgres(database.url, { max: 1, onnotice: () => {} });
    const heard: string[] = [];
    await sql.listen(NotifyChannel.ingest, (payload) => heard.push(payload));
    await post(collector.url, request([span({ trace: 6, id: 1, attributes: { "session.id": "told" } })]));
    await expect.poll(() => heard).toEqual([JSON.stringify({ sessions: ["told"], spans: 1 })]);
    await post(collector.url, request([span({ trace: 6, id: 1, attributes: { "session.id": "told" } })]));
    await post(collector.url, request([span({ trace: 6, id: 2, attributes: { "session.id": "told" } })]));
    await expect.poll(() => heard).toHaveLength(2);
    await sql.end();
  });

  it("keeps a late day and one of years ago, and refuses one too far ahead with a reason", async () => {
    const day = 86_400_000;
    const answer = await post(
      collector.url,
      request([
        span({ trace: 7, id: 1, at: -399 * day }),
        span({ trace: 7, id: 2, at: -3_000 * day }),
        span({ trace: 7, id: 3, at: 3 * day }),
      ]),
    );
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: { rejectedSpans: "1", errorMessage: "1 span: start time is more than 2 days ahead" },
    });
    expect((await dump(database.url)).spans).toHaveLength(2);
  });

  it("stores content as messages only, with secrets taken out, and bounded", async () => {
    const secret = ["sk", "ant", "api03", "A".repeat(40)].join("-");
    const messages = JSON.stringify([
      { role: "user", parts: [{ type: "text", content: `my key is ${secret}` }] },
      { role: "user", content: "x".repeat(300_000) },
    ]);
    const attributes = {
      "session.id": "s",
      "gen_ai.input.messages": messages,
      "http.request.header.authorization": "Bearer abc",
      note: `Bearer ${secret}`,
      long: "y".repeat(20_000),
    };
    await post(collector.url, request([span({ trace: 8, id: 1, attributes })]));
    const tables = await dump(database.url);
    expect(JSON.stringify(tables)).not.toContain("sk-ant");
    const stored = tables.spans?.[0] as Json;
    expect(stored.attributes).toMatchObject({ "http.request.header.authorization": "[redacted]", note: "[redacted]" });
    expect(JSON.stringify(stored.attributes)).not.toContain("gen_ai.input.messages");
    const bodies = tables.messages?.map((message) => (message as { body: Json }).body) ?? [];
    expect(bodies).toContainEqual({ role: "user", parts: [{ type: "text", content: "my key is [redacted]" }] });
    expect(bodies.find((body) => body.truncated)).toMatchObject({ role: "user" });
  });

  it("stores text that Postgres cannot hold as it is", async () => {
    const odd = 'nul\0 lone\ud800 \\u0000 quote" \u2028';
    const attributes = { "session.id": `s${odd}`, odd, "gen_ai.input.messages": JSON.stringify([{ role: "user", content: odd }]) };
    const answer = await post(collector.url, request([span({ trace: 10, id: 1, name: odd, error: odd, attributes })]));
    expect(answer).toMatchObject({ status: 200 });
    const { spans } = await dump(database.url);
    expect(spans?.[0]).toMatchObject({
      name: 'nul\uFFFD lone\uFFFD \\u0000 quote" \u2028',
      attributes: { odd: 'nul\uFFFD lone\uFFFD \\u0000 quote" \u2028' },
    });
  });
});
