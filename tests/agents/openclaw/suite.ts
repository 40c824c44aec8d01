import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Check, Report } from "../report.ts";
import { tableOf, writeSection } from "../results.ts";
import { until } from "../waits.ts";
import { assertCalls, assertSums, assertTree, settled, spansOf } from "./books.ts";
import { checkChannels } from "./channels.ts";
import { driftOf } from "./drift.ts";
import { ensureOpenclaw } from "./install.ts";
import { checkKill } from "./kill.ts";
import { assertMemory } from "./memory.ts";
import { checkNeighbours } from "./neighbours.ts";
import { checkOverhead } from "./overhead.ts";
import { ask, beginsTurn, SCENARIOS, scriptOf } from "./scenarios.ts";
import { checkScheduled } from "./scheduled.ts";
import { openclawWorld, POOL, type World } from "./world.ts";

const WAYS = ["registered", "observed only", "routed only"] as const;
type Way = (typeof WAYS)[number];

/** The real OpenClaw from npm, registered by our own command while its gateway runs, through the real scheduler and collector. */
export async function openclawSuite(report: Report): Promise<void> {
  const openclaw = await ensureOpenclaw(undefined, console.log);
  console.log(`openclaw ${openclaw.version}`);
  const world = await openclawWorld(openclaw);
  const results = new Map<string, Map<string, boolean>>();
  const notes: string[] = [];
  let drift: string[] | undefined;
  const check: Check = async (name, way, run) => {
    const byWay = results.get(name) ?? new Map<string, boolean>();
    const passed = await report.check(`openclaw, ${way}: ${name}`, run);
    results.set(name, byWay.set(way, passed));
    // What it left undone is not counted with the next one's.
    if (!passed) await world.quiet().catch(() => {});
  };
  const strays: LedgerEntry[] = [];
  const all = async (way: Way) => {
    for (const name of Object.keys(SCENARIOS)) await check(name, way, () => prove(world, name, way, strays));
  };

  try {
    await report.check("openclaw: unregistered, a turn goes to the old provider and leaves no span", () => unseen(world));
    await world.register();
    const checkKilledLater = await checkKill(world, check, notes);
    await all("registered");
    await checkScheduled(world, check);
    await checkNeighbours(world, check);
    await checkChannels(world, check);
    await checkKilledLater();
    await world.unregister();
    await report.check("openclaw: unregistered, the config is byte for byte as it was, and turns go the old way, unseen", async () => {
      assert.equal(readFileSync(world.home.configPath, "utf8"), world.before);
      await unseen(world);
    });
    await world.register({ observeOnly: true });
    await all("observed only");
    await world.unregister();
    await world.routeByHand();
    await all("routed only");
    drift = driftOf(world.recordPath, openclaw.version);
    await report.check("openclaw: while a session was at work no other asked a model, not even one that was killed before", () =>
      assert.deepEqual(
        strays.map(({ n, rawBody }) => `request ${n}: ${rawBody.slice(-300)}`),
        [],
      ),
    );
    await world.write(world.before);
    await world.register();
    await checkOverhead(world, check, notes);
  } finally {
    await world.close();
    const body = [about(openclaw.version), tableOf(results, WAYS), notes.map((note) => `- ${note}`).join("\n"), LOST, driftText(drift)];
    writeSection("OpenClaw", body.join("\n\n"));
  }
}

/** Plays a scenario in a session of its own, and compares what is stored with what the provider says it served. Others' requests are `strays`. */
async function prove(world: World, name: string, way: Way, strays: LedgerEntry[]): Promise<void> {
  const scenario = SCENARIOS[name];
  assert.ok(scenario);
  world.use(scriptOf(scenario.tasks));
  const mark = `${way}-${name}`.replaceAll(/[ ,]+/g, "-").toLowerCase();
  const asked = world.since(mark);
  const askedByAnyone = world.since();
  const sessionKey = `agent:main:telegram:direct:${mark}`;
  for (const [index, task] of scenario.turns.entries()) {
    if (scenario.restart && index === scenario.turns.length - 1) await world.restart();
    if (task === "/compact") {
      await world.quiet();
      await world.gateway().client.request("sessions.compact", { key: sessionKey }, 60_000);
      continue;
    }
    const turn = world.gateway().turn(ask(task, mark), { sessionKey });
    if (scenario.abortAfter !== undefined) {
      const { abortAfter } = scenario;
      await until("the last reply has begun", () => asked().length >= abortAfter && asked().at(-1)?.status === 200, 60_000);
      // Between two chunks, not at one: which of them left is then no matter of chance.
      await sleep(1_100);
      await world.gateway().client.request("sessions.abort", { key: sessionKey, clearQueued: true });
    }
    const { status } = await turn;
    if (scenario.abortAfter === undefined) assert.equal(status, "ok");
  }
  await world.quiet();
  strays.push(...askedByAnyone().filter((entry) => !asked().includes(entry)));
  const served = asked().filter(({ status }) => status === 200);
  // Of a call that was cut off OpenClaw tells no tokens.
  const counted = way === "observed only" ? served.filter(({ complete }) => complete) : served;
  const turns = way === "routed only" ? 0 : asked().filter((entry) => entry.status === 200 && beginsTurn(entry)).length;
  const count = (spans: { operation: string }[], operation: string) => spans.filter((span) => span.operation === operation).length;
  const spans = await settled(
    world.stack.sql,
    asked,
    (all) => all.filter((span) => span.is_call && span.output > 0).length >= counted.length && count(all, "invoke_agent") >= turns,
  );
  assert.equal(count(spans, "invoke_agent"), turns, "turns");
  assertCalls(spans, counted, scenario, { pool: way === "observed only" ? null : POOL, agents: way !== "routed only" });
  await assertSums(world.stack.sql, spans);
  if (way === "routed only") assert.equal(count(spans, "execute_tool"), 0);
  else await assertTree(world.stack.sql, spans, asked());
  if (way !== "routed only") {
    assertMemory(spans, scenario.memory ?? []);
    for (const { channel, name } of spans) assert.equal(channel, "telegram", `channel of ${name}`);
  }
}

async function unseen(world: World): Promise<void> {
  world.use(() => ({ text: "Hello." }));
  const asked = world.since();
  assert.equal((await world.gateway().turn("hello", { sessionKey: "agent:main:telegram:direct:unseen" })).status, "ok");
  await world.quiet();
  assert.ok(asked().length > 0);
  for (const entry of asked()) assert.equal(entry.model, "direct");
  assert.equal((await spansOf(world.stack.sql, asked())).length, 0);
}

const about = (version: string) =>
  `OpenClaw ${version}, ${new Date().toISOString().slice(0, 10)}, \`npm run test:agents -- openclaw\`. Each cell: tokens by kind and cost of every ` +
  "call in Postgres equal the provider's ledger, call by call, on the right agent, turn, channel and pool; each tool call is under its turn and " +
  "above the sub-agent it spawned; sums of session, agents and hours equal the calls'. Not exact: of a call that was aborted in mid-stream the " +
  "output is the ledger's and the input is estimated (within 5 %), which its cost source says.";

const driftText = (drift: readonly string[] | undefined) =>
  `Drift against the captures in \`tests/fixtures/openclaw\`: ${drift === undefined ? "not looked at" : drift.join("; ") || "none"} (fields of what the plugin hears).`;

const LOST = `What each way of running loses, and says:

- **observed only**: no pool and no decision; a call that was cut off has no tokens (OpenClaw tells none) and its cost is *unknown*; cost is
  what OpenClaw reckons by the prices in its own config, *unknown* where it has none.
- **routed only**: no turns, no tool calls, no agents; a session is one request to the gateway, by its trace. Calls and cost are whole.
- A shell command that reads or writes a memory file, and the memory that OpenClaw puts into the prompt by itself, are not seen as memory.`;
