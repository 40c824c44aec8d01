import { createHmac } from "node:crypto";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type OtlpSink, otlpSink, type SinkAnswer } from "../support/otlp-sink.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { startProvider } from "../support/provider.ts";
import { poolConfig, startGateway } from "./admission-support.ts";
import { alertingCollector, call, change, eventually, sendNow, spawned } from "./alerting-support.ts";
import { emptyTables } from "./collector-support.ts";

let database: TestDatabase;
let sql: postgres.Sql;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
});
beforeEach(async () => {
  await emptyTables(database.url);
  await sql`truncate alert_rules, alert_events, alert_deliveries, channels, channel_secrets, leases`;
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

async function collector(options: Parameters<typeof alertingCollector>[1] = {}) {
  const made = await alertingCollector(database.url, options);
  let closed = false;
  const close = async () => {
    if (!closed) await made.close();
    closed = true;
  };
  closing.push(close);
  return { url: made.url, close };
}
async function receiver(script: SinkAnswer[] = []): Promise<OtlpSink> {
  const made = await otlpSink(script);
  closing.push(() => made.close());
  return made;
}
async function channelTo(url: string, sink: OtlpSink): Promise<string> {
  const target = { kind: "webhook", url: `${sink.url}/hook`, secret: "a shared secret" };
  return (await change(url, "channels", { name: "ops", target })).channel_id as string;
}
interface Told {
  delivery_id: string;
  occasion: string;
  rule: string;
  alerts: { alert_id: string; session_id: string; message: string }[];
}
const told = (sink: OtlpSink): Told[] => sink.taken.map((body) => JSON.parse(body.toString()));
const SUB_AGENTS = { kind: "sub_agents", threshold: 10, window_seconds: 60 };
const COST = { kind: "session_cost", threshold: 5 };
const burst = (session: string, count: number) =>
  Array.from({ length: count }, (_, index) => spawned(session, `${session}:${index}`, { at: -1000 + index }));
/** Every rule has been evaluated since; a further firing would have happened. */
async function evaluatedAgain(url: string): Promise<void> {
  const count = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^signalbox_collector_alerting_evaluations_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? 0);
  };
  const before = await count();
  await sendNow(url, [call("another", 0.01)]);
  await eventually(async () => ((await count()) > before ? true : undefined), "an evaluation");
}

describe("a rule", () => {
  it("on more than 10 sub-agents in 60 s and one on $5 a session each fire once, with the span that crosses", async () => {
    const one = await collector();
    const sink = await receiver();
    const channel_id = await channelTo(one.url, sink);
    await change(one.url, "rules", { name: "runaway", condition: SUB_AGENTS, actions: [{ do: "notify", channel_id }] });
    await change(one.url, "rules", { name: "costly", condition: COST, actions: [{ do: "notify", channel_id }] });
    await sendNow(one.url, [...burst("fans-out", 10), call("spends", 4.99)]);
    await evaluatedAgain(one.url);
    expect(sink.requests).toHaveLength(0);

    await sendNow(one.url, [spawned("fans-out", "the-11th"), call("spends", 0.02)]);
    await eventually(() => (sink.requests.length === 2 ? true : undefined), "two notifications", 5);
    await sendNow(one.url, [...burst("fans-out", 3), call("spends", 1)]);
    await evaluatedAgain(one.url);
    expect(told(sink).map(({ rule, alerts }) => [rule, alerts.map(({ session_id, message }) => [session_id, message])])).toEqual(
      expect.arrayContaining([
        ["runaway", [["fans-out", "fans-out spawned 11 sub-agents within 60 s, more than 10"]]],
        ["costly", [["spends", "spends spent $5.01, more than $5.00"]]],
      ]),
    );
    const events = await sql`select rule_name, subject from alert_events order by rule_name`;
    expect(events.map(({ rule_name, subject }) => [rule_name, subject])).toEqual([
      ["costly", "spends"],
      ["runaway", "fans-out"],
    ]);
    // an evaluation may have begun before the last call was stored
    await eventually(async () => {
      const [costly] = await sql`select value from alert_events where rule_name = 'costly'`;
      return costly?.value === 6.01e9 ? true : undefined;
    }, "the value to follow what is spent");
  });

  it("fires once with two collectors, and with a restart between", async () => {
    const first = await collector();
    const second = await collector();
    const sink = await receiver();
    const channel_id = await channelTo(first.url, sink);
    await change(second.url, "rules", { name: "costly", condition: COST, actions: [{ do: "notify", channel_id }] });
    await sendNow(second.url, [call("a", 6)]);
    await eventually(() => (sink.requests.length > 0 ? true : undefined), "the first");
    await first.close();
    await sendNow(second.url, [call("a", 1), call("b", 6)]);
    await eventually(async () => ((await sql`select from alert_events`).length === 2 ? true : undefined), "the second alert");
    const third = await collector();
    await second.close();
    await sendNow(third.url, [call("a", 1), call("b", 1), call("c", 6)]);
    await eventually(async () => ((await sql`select from alert_events`).length === 3 ? true : undefined), "the third alert");
    const subjects = await sql`select subject from alert_events order by subject`;
    expect(subjects.map(({ subject }) => subject)).toEqual(["a", "b", "c"]);
    const { holders } = (await sql`select count(distinct token)::int as holders from leases where name = 'alerting'`)[0] as {
      holders: number;
    };
    expect(holders).toBe(1);
  });

  it("is evaluated by another collector within seconds when the one that did says nothing any more", async () => {
    // a holder that has stopped without a word
    await sql`insert into leases values ('alerting', 'a process that sleeps', 41, clock_timestamp() + interval '2 seconds')`;
    const one = await collector();
    await change(one.url, "rules", { name: "costly", condition: COST });
    await sendNow(one.url, [call("a", 6)]);
    await eventually(async () => ((await sql`select from alert_events`).length === 1 ? true : undefined), "the alert", 8);
    expect((await sql`select token from leases where name = 'alerting'`)[0]).toEqual({ token: "42" });
  });

  it("that is muted fires and tells nobody; one that is switched off does not fire", async () => {
    const one = await collector();
    const sink = await receiver();
    const channel_id = await channelTo(one.url, sink);
    const rule = { name: "costly", condition: COST, actions: [{ do: "notify", channel_id }] };
    const { rule_id } = await change(one.url, "rules", rule);
    await change(one.url, "rules", { ...rule, name: "off", enabled: false });
    await change(one.url, `rules/${rule_id}/mute`, { seconds: 3600 });
    await sendNow(one.url, [call("a", 6)]);
    const [event] = await eventually(async () => {
      const rows = await sql`select event_id, muted from alert_events`;
      return rows.length > 0 ? rows : undefined;
    }, "the alert");
    expect(event?.muted).toBe(true);
    expect(await sql`select from alert_deliveries`).toHaveLength(0);
    await change(one.url, `events/${event?.event_id}/acknowledge`);
    expect((await sql`select acknowledged_at is not null as done from alert_events`)[0]?.done).toBe(true);
  });

  it("groups what fires together into one notification, and tells when it is over", async () => {
    const one = await collector({ yaml: "session_over_seconds: 1" });
    const sink = await receiver();
    const channel_id = await channelTo(one.url, sink);
    await change(one.url, "rules", { name: "costly", condition: COST, actions: [{ do: "notify", channel_id }] });
    await sendNow(one.url, [call("a", 6), call("b", 7), call("c", 8)]);
    await eventually(() => (told(sink).some(({ occasion }) => occasion === "resolved") ? true : undefined), "the end");
    expect(told(sink).map(({ occasion, alerts }) => [occasion, alerts.map(({ session_id }) => session_id).sort()])).toEqual([
      ["fired", ["a", "b", "c"]],
      ["resolved", ["a", "b", "c"]],
    ]);
  });
});

describe("a delivery", () => {
  it("that fails is retried, shown, and signed the same way", async () => {
    const one = await collector();
    const sink = await receiver([{ status: 500, body: Buffer.from("no\nthanks") }, "cut"]);
    const channel_id = await channelTo(one.url, sink);
    await change(one.url, "rules", { name: "costly", condition: COST, actions: [{ do: "notify", channel_id }] });
    await sendNow(one.url, [call("a", 6)]);
    const failing = await eventually(async () => {
      const [row] = await sql`select attempts, last_error, state from alert_deliveries where last_error is not null`;
      return row;
    }, "the failure");
    expect(failing).toMatchObject({ state: "waiting", last_error: expect.stringMatching(/^127\.0\.0\.1:\d+ answered 500: no thanks$/) });
    await eventually(() => (sink.taken.length === 1 ? true : undefined), "the third attempt", 20);
    const delivered = await eventually(async () => {
      const [row] = await sql`select attempts, last_error, state from alert_deliveries where state = 'delivered'`;
      return row;
    }, "the delivery");
    expect(delivered).toEqual({ state: "delivered", attempts: 3, last_error: null });
    const ids = sink.requests.map(({ headers }) => headers["x-signalbox-delivery"]);
    expect(new Set(ids).size).toBe(1);
    const { headers, body } = sink.requests[2] as OtlpSink["requests"][number];
    const signature = createHmac("sha256", "a shared secret").update(`${headers["x-signalbox-timestamp"]}.${body}`).digest("hex");
    expect(headers["x-signalbox-signature"]).toBe(`v1=${signature}`);
  });

  it("of a kill stops the session at the scheduler, and keeps its receipt", async () => {
    const provider = await startProvider({ script: () => ({ text: "hello", usage: { input: 10, output: 2 } }) });
    closing.push(() => provider.close());
    const gateway = await startGateway(poolConfig(provider.url), database.url);
    closing.push(() => gateway.close());
    const ask = () =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-signalbox-session": "runs-away" },
        body: JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hi" }] }),
      }).then(async (response) => {
        await response.text();
        return response.status;
      });
    expect(await ask()).toBe(200);
    const one = await collector({ schedulerUrl: gateway.url });
    await change(one.url, "rules", { name: "runaway", condition: SUB_AGENTS, actions: [{ do: "kill" }] });
    await sendNow(one.url, burst("runs-away", 11));
    const { receipt } = await eventually(async () => {
      const [row] = await sql`select receipt from alert_deliveries where state = 'delivered'`;
      return row as { receipt: { session: string; state: string } } | undefined;
    }, "the receipt");
    expect(receipt).toMatchObject({ session: "runs-away", state: "killed" });
    expect(await ask()).toBe(403);
  });
});

describe("control", () => {
  it("takes the admin token only, and says which field is wrong", async () => {
    const one = await collector();
    const bare = await fetch(`${one.url}/control/alerts/rules`, { method: "POST", body: "{}" });
    expect(bare.status).toBe(401);
    await expect(change(one.url, "rules", { name: "x", condition: { kind: "sub_agents", threshold: 3 } })).rejects.toThrow(
      "400: condition.window_seconds: sub_agents needs a window",
    );
    await expect(
      change(one.url, "rules", { name: "x", condition: { kind: "pool_saturation", threshold: 0.9 }, actions: [{ do: "kill" }] }),
    ).rejects.toThrow("400: actions: only a session or an agent can be stopped");
    const unknown = { name: "x", condition: COST, actions: [{ do: "notify", channel_id: "nowhere" }] };
    await expect(change(one.url, "rules", unknown)).rejects.toThrow("400: actions: there is no channel nowhere");
    await expect(change(one.url, "rules/none/delete")).rejects.toThrow("404: there is no rule none");
  });

  it("never gives a channel's secrets back: not to the dashboard's role, and not in clear to who has the database", async () => {
    const one = await collector();
    const sink = await receiver([{ status: 403 }]);
    const id = await channelTo(one.url, sink);
    expect(await change(one.url, `channels/${id}/test`)).toEqual({ delivered: false, error: expect.stringContaining("answered 403") });
    expect(await change(one.url, `channels/${id}/test`)).toEqual({ delivered: true, error: null });
    expect(told(sink)[0]?.occasion).toBe("test");
    const [stored] = await sql`select name, kind, summary from channels`;
    expect(stored).toEqual({ name: "ops", kind: "webhook", summary: expect.stringMatching(/^127\.0\.0\.1:\d+, signed$/) });
    const [sealed] = await sql`select sealed from channel_secrets`;
    expect(sealed?.sealed.toString("latin1")).not.toContain("shared secret");
    const reader = postgres(database.readerUrl, { max: 1, onnotice: () => {} });
    await expect(reader`select * from signalbox.channel_secrets`).rejects.toThrow("permission denied");
    await reader.end();
  });

  it("does not send to addresses of this machine where that is not allowed", async () => {
    const one = await collector({ yaml: "private_targets: false" });
    const sink = await receiver();
    const id = await channelTo(one.url, sink);
    expect(await change(one.url, `channels/${id}/test`)).toMatchObject({
      delivered: false,
      error: expect.stringContaining("private_targets"),
    });
    const named = { name: "n", target: { kind: "slack", url: `http://localhost:${new URL(sink.url).port}/x` } };
    const { channel_id } = await change(one.url, "channels", named);
    expect(await change(one.url, `channels/${channel_id}/test`)).toMatchObject({ error: expect.stringContaining("private_targets") });
    expect(sink.requests).toHaveLength(0);
  });
});
