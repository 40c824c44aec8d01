/** Kill, pause and resume: sockets to the engine closed, slots free, later calls refused, receipts true, other sessions untouched. */

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { ask, type CallOptions, chat, control, type Gateway, poolConfig, refusal, startGateway, TOKEN } from "./admission-support.ts";
import { until } from "./scheduler-support.ts";

const CLEAN_UP: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  CLEAN_UP.push(() => database.drop());
});
afterEach(async () => {
  for (const close of CLEAN_UP.splice(0).reverse()) await close();
});

const LONG = "word ".repeat(2_000);

/** Streams without an end in sight, unless asked for something short. */
async function provide(): Promise<Provider> {
  const provider = await startProvider({
    script: (request) => (request.rawBody.includes("short") ? { text: "done" } : { text: LONG, chunkDelayMs: 20 }),
  });
  CLEAN_UP.push(() => provider.close());
  return provider;
}

async function serve(provider: Provider, slots = 64, withDatabase = true): Promise<Gateway> {
  const gateway = await startGateway(poolConfig(provider.url, "", slots), withDatabase ? database.url : undefined);
  CLEAN_UP.push(() => gateway.close());
  return gateway;
}

/** A streaming call whose first bytes have come; `text` resolves with all of it. */
async function stream(url: string, options: CallOptions): Promise<{ status: number; text: Promise<string> }> {
  const response = await chat(url, { ...options, stream: true });
  const text = response.text().catch((error: Error) => `broken: ${error.message}`);
  return { status: response.status, text };
}

const short = (url: string, options: CallOptions) => chat(url, { ...options, text: "short" });
const pool = async (url: string) => ((await control(url, "GET", "/pools")).body.data as { active: number; queued: number }[])[0];

test("a kill during 50 streaming calls of one tree", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const agents = ["root", ...Array.from({ length: 9 }, (_, n) => `sub-${n}`)];
  const parentOf = (agent: string) => (agent === "root" ? undefined : agent < "sub-5" ? "root" : "sub-0");
  const calls = await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const agent = agents[n % 10] as string;
      const parent = parentOf(agent);
      return stream(gateway.url, { session: "root", agent, ...(parent && { parent }) });
    }),
  );
  const others = await Promise.all(Array.from({ length: 5 }, () => stream(gateway.url, { session: "other" })));
  await until(() => provider.ledger.length === 55, "55 calls are with the provider");

  const at = Date.now();
  const { status, body } = await control(gateway.url, "POST", "/sessions/root/kill", { reason: "test" });
  const answered = Date.now() - at;
  await until(() => provider.ledger.filter((entry) => entry.clientClosed).length >= 50, "the provider saw 50 close");
  const ofRoot = provider.ledger.filter((entry) => entry.clientClosed);
  const slowest = Math.max(...ofRoot.map((entry) => entry.endedAt - at));
  console.log(
    `kill of 50 streams: the provider saw the last socket close after ${slowest} ms; receipt after ${answered} ms (its own count: ${body.elapsed_ms})`,
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({
    session: "root",
    state: "killed",
    upstream_closed: 50,
    slots_freed: 50,
    dequeued: 0,
    agents_acknowledged: [],
    unknown: [],
  });
  expect((body.descendants as string[]).sort()).toEqual(agents.slice(1));
  expect(await pool(gateway.url)).toMatchObject({ active: 5, queued: 0 });

  // Each client has been told, in a stream that ends.
  for (const call of calls) expect(await call.text).toContain('"code":"session_killed"');
  expect(await refusal(await short(gateway.url, { session: "root" }))).toMatchObject({ status: 403, code: "session_killed" });
  expect((await short(gateway.url, { session: "root", agent: "sub-new", parent: "sub-1" })).status).toBe(403);
  // OpenClaw would take a 403 for a bad key, and keep all its sessions from the provider.
  const openclaw = await short(gateway.url, { session: "root", headers: { "x-signalbox-agent-kind": "openclaw" } });
  expect(await refusal(openclaw)).toMatchObject({ status: 400, code: "session_killed" });
  expect(provider.ledger).toHaveLength(55);
  // No pool was too slow: what is refused is in no share of calls in time, and asks for no more pools.
  const decided = (await control(gateway.url, "GET", "/decisions?session=root")).body.data as { status: number; sla_met: boolean | null }[];
  const refused = decided.filter(({ status }) => status === 403 || status === 400);
  expect(refused.map(({ sla_met }) => sla_met)).toEqual([null, null, null]);

  expect((await short(gateway.url, { session: "other" })).status).toBe(200);
  expect(provider.ledger.filter((entry) => entry.clientClosed)).toHaveLength(50);
  await control(gateway.url, "POST", "/sessions/other/kill");
  for (const other of others) await other.text;
});

test("a call without a session is killed by its trace, and its receipt knows it", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const response = await chat(gateway.url, { stream: true, session: "" });
  const [, trace] = (response.headers.get("traceresponse") ?? "").split("-");
  const text = response.text();
  const { body } = await control(gateway.url, "POST", `/sessions/t:${trace}/kill`);
  expect(body).toMatchObject({ upstream_closed: 1, slots_freed: 1, descendants: [], unknown: [] });
  expect(await text).toContain('"code":"session_killed"');
});

test("a call without a session that has ended, and is not stored yet, is known: nothing of it is left to stop", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const response = await short(gateway.url, { session: "", headers: { "x-signalbox-project": "a" } });
  const [, trace] = (response.headers.get("traceresponse") ?? "").split("-");
  await response.text();
  const kill = async (query: string) => (await control(gateway.url, "POST", `/sessions/t:${trace}/kill${query}`)).body;
  expect(await kill("?project=a")).toMatchObject({ state: "killed", upstream_closed: 0, slots_freed: 0, descendants: [], unknown: [] });
  expect(await kill("")).toMatchObject({ upstream_closed: 0, unknown: [] });
  expect(await kill("?project=b")).toMatchObject({ unknown: [expect.stringContaining("no call or span of this session was seen")] });
});

test("a kill takes calls out of the line, and the line of others moves up", async () => {
  const provider = await provide();
  const gateway = await serve(provider, 2);
  const first = [await stream(gateway.url, { session: "bad" }), await stream(gateway.url, { session: "bad" })];
  const waiting = [short(gateway.url, { session: "bad" }), short(gateway.url, { session: "good" }), short(gateway.url, { session: "bad" })];
  await until(async () => (await pool(gateway.url))?.queued === 3, "three wait");
  const { body } = await control(gateway.url, "POST", "/sessions/bad/kill");
  expect(body).toMatchObject({ upstream_closed: 2, slots_freed: 2, dequeued: 2, unknown: [] });
  expect((await Promise.all(waiting)).map((answer) => answer.status)).toEqual([403, 200, 403]);
  for (const call of first) await call.text;
  expect(provider.ledger).toHaveLength(3);
});

test("a sub-agent is killed with those below it; its parent goes on", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const root = await stream(gateway.url, { session: "root" });
  const child = await stream(gateway.url, { session: "root", agent: "child", parent: "root" });
  const grandchild = await stream(gateway.url, { session: "root", agent: "grandchild", parent: "child" });
  const { body } = await control(gateway.url, "POST", "/sessions/child/kill");
  expect(body).toMatchObject({ descendants: ["grandchild"], upstream_closed: 2, unknown: [] });
  await Promise.all([child.text, grandchild.text]);
  expect((await short(gateway.url, { session: "root", agent: "grandchild", parent: "child" })).status).toBe(403);
  expect((await short(gateway.url, { session: "root" })).status).toBe(200);
  await control(gateway.url, "POST", "/sessions/root/kill");
  await root.text;
});

test("pause lets calls in flight end and refuses new ones until resumed", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const running = chat(gateway.url, { session: "s", text: "short" });
  await running;
  expect((await control(gateway.url, "POST", "/sessions/s/pause", { reason: "lunch" })).body).toMatchObject({
    state: "paused",
    upstream_closed: 0,
  });
  expect(await refusal(await short(gateway.url, { session: "s" }))).toMatchObject({
    status: 403,
    code: "session_paused",
    message: expect.stringContaining("lunch"),
  });
  await control(gateway.url, "POST", "/sessions/s/resume");
  expect((await short(gateway.url, { session: "s" })).status).toBe(200);
});

test("a restart keeps kills, and a row changed by somebody else is followed", async () => {
  const provider = await provide();
  const first = await serve(provider);
  await short(first.url, { session: "agent:main:main" });
  const id = encodeURIComponent("agent:main:main");
  await control(first.url, "POST", `/sessions/${id}/kill`);
  await first.close();
  CLEAN_UP.pop();

  const second = await serve(provider);
  expect((await short(second.url, { session: "agent:main:main" })).status).toBe(403);
  await control(second.url, "POST", `/sessions/${id}/resume`);
  expect((await short(second.url, { session: "agent:main:main" })).status).toBe(200);

  const call = await stream(second.url, { session: "agent:main:main" });
  await ask(
    database.url,
    `update signalbox.session_controls set state = 'killed', changed_at = now() where id = 'agent:main:main';
     select pg_notify('signalbox_control', '{"session":"agent:main:main","state":"killed"}')`,
  );
  expect(await call.text).toContain("session_killed");
  expect((await short(second.url, { session: "agent:main:main" })).status).toBe(403);
});

test("a session that nobody has seen is stopped all the same, and the receipt says so", async () => {
  const provider = await provide();
  const gateway = await serve(provider);
  const { body } = await control(gateway.url, "POST", "/sessions/ghost/kill");
  expect(body).toMatchObject({ upstream_closed: 0, unknown: [expect.stringContaining("no call or span of this session was seen")] });
  expect((await short(gateway.url, { session: "ghost" })).status).toBe(403);
});

test("followers of the stream are told, acknowledge, and are replayed what they missed", async () => {
  const provider = await provide();
  const gateway = await serve(provider, 8, false);
  const follow = async (headers: Record<string, string> = {}, name = "?subscriber=openclaw") => {
    const leave = new AbortController();
    const response = await fetch(`${gateway.url}/control/stream${name}`, {
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      signal: leave.signal,
    });
    const seen = { text: "" };
    void (async () => {
      for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
    })().catch(() => {});
    CLEAN_UP.push(async () => leave.abort());
    return { seen, leave };
  };
  const { seen, leave } = await follow();
  await until(() => seen.text.includes("event: snapshot"), "a snapshot comes first");
  const receipt = control(gateway.url, "POST", "/sessions/s/kill");
  await until(() => seen.text.includes("event: session.killed"), "the event");
  const event = /id: (\S+)\nevent: session.killed/.exec(seen.text)?.[1] as string;
  expect((await control(gateway.url, "POST", "/acks", { event, subscriber: "openclaw", outcome: "stopped" })).status).toBe(200);
  expect((await receipt).body).toMatchObject({ agents_acknowledged: ["openclaw"], unknown: [] });
  leave.abort();
  await sleep(50);

  await control(gateway.url, "POST", "/sessions/s/resume");
  const again = await follow({ "last-event-id": event }, "");
  await until(() => again.seen.text.includes("event: session.resumed"), "what was missed");
  expect(again.seen.text).not.toContain("session.killed");

  await follow({}, "?subscriber=silent");
  const { body } = await control(gateway.url, "POST", "/sessions/s/kill");
  expect(body).toMatchObject({ agents_acknowledged: [], unknown: ["silent did not acknowledge within 2000 ms"] });
  expect((await control(gateway.url, "POST", "/acks", { event: "none", subscriber: "x", outcome: "stopped" })).status).toBe(404);
});

test("Claude Code's hooks are told to stop, each event in its own words; anything else is let through", async () => {
  const provider = await provide();
  const gateway = await serve(provider, 8, false);
  const hook = async (body: string) => {
    const response = await fetch(`${gateway.url}/hooks/claude-code`, { method: "POST", body });
    return { status: response.status, body: await response.json() };
  };
  const event = (hook_event_name: string, more = {}) =>
    JSON.stringify({ session_id: "cc", transcript_path: "/t", hook_event_name, ...more });
  expect(await hook(event("PreToolUse"))).toEqual({ status: 200, body: {} });
  await control(gateway.url, "POST", "/sessions/cc/kill", { reason: "too dear" });
  const reason = "Signalbox: cc was killed: too dear. No further calls are served.";
  expect((await hook(event("UserPromptSubmit", { prompt: "go" }))).body).toEqual({ continue: false, stopReason: reason });
  expect((await hook(event("PreToolUse", { tool_name: "Bash", tool_input: { command: "x".repeat(300_000) } }))).body).toEqual({
    continue: false,
    stopReason: reason,
    hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: reason },
  });
  expect((await hook(event("Stop"))).body).toEqual({});
  expect((await hook(event("PreToolUse").replace('"cc"', '"else"'))).body).toEqual({});
  expect(await hook("not json")).toEqual({ status: 200, body: {} });
});

test("the control API takes the admin token alone, and its errors name the field", async () => {
  const provider = await provide();
  const gateway = await serve(provider, 8, false);
  const without = await fetch(`${gateway.url}/control/sessions/s/kill`, { method: "POST" });
  expect(without.status).toBe(401);
  expect(await without.json()).toMatchObject({ error: { code: "invalid_api_key" } });
  expect(await control(gateway.url, "POST", "/sessions/s/kill", { reasn: "x" })).toMatchObject({
    status: 400,
    body: { error: { code: "invalid_body" } },
  });
  expect(await control(gateway.url, "GET", "/sessions/s/kill")).toMatchObject({ status: 404 });
  await short(gateway.url, { session: "s" });
  const { body } = await control(gateway.url, "GET", "/decisions?limit=5&session=s");
  expect(body.data).toMatchObject([{ session_id: "s", pool: "cloud", status: 200, attempts: 1 }]);
});
