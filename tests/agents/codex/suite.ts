import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stopLocalRuns } from "@signalbox/codex/local-runs";
import { registerCodex, unregisterCodex } from "@signalbox/codex/register";
import type { LedgerEntry } from "../../support/provider.ts";
import type { RichScript } from "../../support/provider-anthropic-or-responses.ts";
import { startResponsesProvider } from "../../support/provider-responses.ts";
import { ensureCli } from "../capture/install.ts";
import { driftOf, driftText } from "../drift.ts";
import type { Report } from "../report.ts";
import { tableOf, writeSection } from "../results.ts";
import { startStack } from "../stack.ts";
import { checkUnharmed } from "../unharmed.ts";
import { checkAppServer } from "./app-server.ts";
import { agentOf, askedOf, assertBooks, assertJoined, assertSums, assertTree, settled, toolsOf } from "./books.ts";
import { codexMachine, startCodex } from "./cli.ts";
import { codexDrift } from "./drift.ts";
import { checkKill, type KillContext } from "./kill.ts";
import { checkMemory } from "./memory.ts";
import { checkPools } from "./pools.ts";
import { SCENARIOS } from "./scenarios.ts";
import { scriptOf } from "./scripted.ts";
import { PATIENCE_SECONDS, watchedCodex } from "./unharmed.ts";
import { configOf, MODEL, POOL, PRICES, TOKEN } from "./world.ts";

export const CODEX_VERSION = process.env.SIGNALBOX_CODEX_VERSION ?? "0.169.0";
const WAYS = ["registered", "observed only", "routed only"] as const;
type Way = (typeof WAYS)[number];

interface Expected {
  scenario: keyof typeof SCENARIOS;
  /** Which tools are called, however often. */
  tools?: string[];
  subAgents?: number;
  /** Turns that Codex itself reports; fewer where a run fails or is interrupted: it exits without sending. */
  turns?: number;
}

const EXPECTED: Record<string, Expected> = {
  "plain turn": { scenario: "plain-turn" },
  "tool call": { scenario: "tool-call", tools: ["exec_command"] },
  "failing tool": { scenario: "failing-tool", tools: ["exec_command", "no_such_tool"] },
  "parallel tools": { scenario: "parallel-tools", tools: ["exec_command"] },
  "sub-agent": { scenario: "sub-agent", tools: ["exec_command", "spawn_agent", "wait_agent"], subAgents: 1, turns: 2 },
  "nested sub-agents": {
    scenario: "nested-sub-agents",
    tools: ["exec_command", "spawn_agent", "wait_agent"],
    subAgents: 2,
    turns: 3,
  },
  "parallel sub-agents": {
    scenario: "parallel-sub-agents",
    tools: ["exec_command", "spawn_agent", "wait_agent"],
    subAgents: 2,
    turns: 3,
  },
  "retry after 429": { scenario: "retry-429" },
  "cached prompt": { scenario: "cached-prompt" },
  compaction: { scenario: "compaction", tools: ["exec_command"] },
  resume: { scenario: "resume", tools: ["exec_command"], turns: 2 },
};

/** Not SCENARIOS, whose tasks share names: what a prompt's word means is the scenario's that is played. */
let script = scriptOf({});

/** The real Codex from npm, registered by our own command, through the real scheduler and collector. */
export async function codexSuite(report: Report): Promise<void> {
  const cli = await ensureCli("codex", "@openai/codex", CODEX_VERSION);
  console.log(`codex ${cli.version}`);
  /** Tools that each answer called, by its request's number. */
  const called = new Map<number, string[]>();
  const answer: RichScript = async (request, n) => {
    const plan = await script(request, n);
    called.set(
      n,
      (plan.toolCalls ?? []).map(({ name }) => name),
    );
    return plan;
  };
  const stack = await startStack(() => ({}), {
    startProvider: () => startResponsesProvider({ script: answer, prices: PRICES, models: [MODEL] }),
    config: configOf,
    token: TOKEN,
  });
  const { provider, sql } = stack;
  const machine = codexMachine(provider.url);
  const before = readFileSync(machine.configPath, "utf8");
  const registration = {
    home: machine.home,
    codexBin: cli.bin,
    stateDir: join(machine.home, "signalbox"),
    schedulerUrl: stack.schedulerUrl,
    otlpEndpoint: stack.collectorUrl,
  };
  const results = new Map<string, Map<string, boolean>>();
  const check = async (mode: string, name: string, run: () => Promise<void>) => {
    const row = results.get(name) ?? new Map<string, boolean>();
    results.set(name, row.set(mode, await report.check(`codex, ${mode}: ${name}`, run)));
  };
  let drift: string[] | undefined;
  const notes: string[] = [];
  /** Plays a scenario to its end; its root session. */
  const play = async (name: keyof typeof SCENARIOS): Promise<string> => {
    script = scriptOf(SCENARIOS[name]?.tasks ?? {});
    let thread: string | undefined;
    for (const run of SCENARIOS[name]?.runs ?? []) {
      const options = run.args ?? [];
      const resumed = run.resume && thread !== undefined ? ["resume", thread] : [];
      const end = await startCodex(cli.bin, machine, [...options, ...resumed, run.prompt]).end;
      assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
      thread = end.thread;
    }
    assert.ok(thread !== undefined);
    return thread;
  };

  /** A scenario's books against the ledger, and its tree where Codex itself is heard. */
  const prove = async (name: string, way: Way): Promise<void> => {
    const { scenario, tools = [], subAgents = 0, turns = 1 } = EXPECTED[name] as Expected;
    const root = await play(scenario);
    const asked = askedOf(provider.ledger, root).filter(({ status }) => status === 200);
    const isRouted = way !== "observed only";
    const optional = isRouted ? [] : cutOff(asked);
    const spans = await settled(sql, root, (all) => {
      const known = isRouted
        ? all.filter((span) => span.operation === "schedule").length === askedOf(provider.ledger, root).length
        : all.filter((span) => span.is_call && span.status !== 2).length >= asked.length - optional.length;
      return known && (way === "routed only" || all.filter((span) => span.operation === "invoke_agent").length >= turns);
    });
    const answered = spans.filter((span) => !(span.is_call && span.status === 2));
    assertBooks(answered, asked, isRouted ? POOL : null, optional);
    if (way === "routed only") {
      assert.deepEqual(
        spans.filter(({ operation }) => operation === "execute_tool" || operation === "invoke_agent"),
        [],
      );
      return;
    }
    assert.deepEqual(new Set(toolsOf(asked)), new Set(tools));
    // of these nobody was told the result
    const perhaps = cutOff(asked).flatMap(({ n }) => called.get(n) ?? []);
    assertTree(spans, { tools: toolsOf(asked), perhaps, subAgents });
    if (way === "observed only") return;
    assertJoined(spans);
    await assertSums(sql, root, asked);
  };

  try {
    await report.check("codex: registered by its own app-server, and again changes nothing", async () => {
      const { notes } = await registerCodex(registration);
      assert.ok(!notes.some((note) => note.includes("without it")), notes.join("; "));
      assert.equal((await registerCodex(registration)).changed, false);
    });

    for (const name of Object.keys(EXPECTED)) await check("registered", name, () => prove(name, "registered"));

    await check("registered", "background sub-agent", async () => {
      const root = await play("background-sub-agent");
      await provider.idle(10_000);
      const asked = askedOf(provider.ledger, root);
      const spans = await settled(sql, root, (all) => all.filter((span) => span.operation === "schedule").length === asked.length);
      // the root's end cuts off what its sub-agent had under way: what the gateway heard nothing of is unknown, never 0
      const cut = spans.filter((span) => span.is_call && span.cost === null);
      for (const call of cut) {
        assert.notEqual(call.agent_id, root);
        assert.deepEqual([call.input, call.output, call.cost_source], [null, null, "unknown"]);
      }
      const whole = asked.filter(({ complete }) => complete);
      assertBooks(
        spans.filter((span) => !cut.includes(span)),
        whole,
        POOL,
        cut.length > 0 ? cutOff(whole) : [],
      );
      const agents = new Set(asked.map((entry) => entry.headers["thread-id"]));
      assert.equal(agents.size, 2);
      const spawn = spans.find((span) => span.tool_name?.endsWith("spawn_agent"));
      const [{ spawned } = { spawned: 0 }] = await sql<{ spawned: number }[]>`
        select count(*)::int as spawned from signalbox.agents where parent_agent_id = ${root} and agent_id <> ${root}`;
      assert.ok(spawn?.tool_call_id && spawned >= 1);
    });

    await check("registered", "model replaced by the gateway", async () => {
      script = scriptOf({});
      const end = await startCodex(cli.bin, machine, ["-c", "model=house-model", "Say hello"]).end;
      assert.equal(end.code, 0, end.stdout);
      const root = end.thread as string;
      const asked = askedOf(provider.ledger, root);
      const spans = await settled(
        sql,
        root,
        (all) => all.some((span) => span.is_call) && all.some((span) => span.operation === "invoke_agent"),
      );
      assertBooks(spans, asked, POOL);
      const [call] = spans.filter((span) => span.is_call);
      assert.deepEqual([asked[0]?.model, call?.model], ["qwen3-coder-30b", "qwen3-coder-30b"]);
      assert.equal(spans.find((span) => span.operation === "schedule")?.request_model, "house-model");
    });

    await checkMemory({
      check,
      stack,
      cli,
      machine,
      play: (name) => {
        script = scriptOf(SCENARIOS[name]?.tasks ?? {});
      },
    });

    const localRuns = stopLocalRuns({ codexHome: join(machine.home, ".codex"), schedulerUrl: stack.schedulerUrl, token: TOKEN });
    const kill: KillContext = {
      check,
      stack,
      cli,
      machine,
      token: TOKEN,
      pool: POOL,
      play: (name) => {
        script = scriptOf(SCENARIOS[name]?.tasks ?? {});
      },
    };
    await checkKill(kill);
    await checkAppServer(kill);
    await localRuns.close();

    await report.check("codex: unregistered, its config is byte for byte as it was", async () => {
      await unregisterCodex(registration);
      assert.equal(readFileSync(machine.configPath, "utf8"), before);
      assert.ok(!existsSync(join(machine.home, ".codex", ".env")), "there was no .env");
    });

    await registerCodex({ ...registration, observeOnly: true });
    for (const name of Object.keys(EXPECTED)) await check("observed only", name, () => prove(name, "observed only"));
    await unregisterCodex(registration);

    // routed by the address alone: no telemetry of Codex's own
    const routedOnly = `${before.replace(/base_url = .*/, `base_url = "${stack.schedulerUrl}/v1"`).replace('env_key = "MINE_KEY"\n', "")}`;
    writeFileSync(machine.configPath, routedOnly);
    for (const name of Object.keys(EXPECTED)) await check("routed only", name, () => prove(name, "routed only"));
    writeFileSync(machine.configPath, before);
    script = scriptOf(SCENARIOS["tool-call"]?.tasks ?? {});
    await checkUnharmed(
      (name, run) => check("observed only", name, run),
      notes,
      { schedulerUrl: stack.schedulerUrl, otlpEndpoint: stack.collectorUrl },
      PATIENCE_SECONDS,
      (endpoints) => watchedCodex(cli, provider.url, endpoints),
    );
    await report.check("codex: the captures still speak for it", async () => {
      drift = await driftOf(codexDrift, sql, provider.ledger);
      assert.deepEqual(drift, [], "drift against tests/fixtures/codex");
    });
  } finally {
    await stack.close();
    machine.remove();
  }
  await checkPools(report, cli, results);
  writeSection(`Codex ${cli.version}`, `${aboutResults(tableOf(results, WAYS))}\n\n${notes.join("\n")}\n\n${driftText(drift, "codex")}`);
}

/** The last call of each sub-agent: Codex leaves it out of its logs where the root's end cut it off, which parallel ones race for. */
const cutOff = (asked: LedgerEntry[]): LedgerEntry[] =>
  asked.filter((entry, index) => {
    const agent = agentOf(entry);
    return agent !== entry.headers["session-id"] && !asked.slice(index + 1).some((later) => agentOf(later) === agent);
  });

/** What the table of results says besides. */
const aboutResults = (
  table: string,
) => `${new Date().toISOString().slice(0, 10)}. Tokens by kind and cost of every call in Postgres against the scripted provider's ledger, each on its session, agent, turn
and pool; tools under their turn, sub-agents under the tool call that spawned them.

${table}

Not exact: of a call that was killed in mid-stream the output is the ledger's (less at most the chunk under way) and the input is
estimated; of a sub-agent that its root's end cut off, the last call may be unknown or, observed only, missing. The kills look at
requests, receipts and processes; the pools across dialects at input, output and cost; llama.cpp, which has no ledger, at the call.

Lost when Codex is observed only: route, pool and silicon, what a cut-off run had begun (Codex exits without sending), and the model
where a gateway of one's own answers with another: the price is that of the model asked for. Lost when it is only routed: turns and
tool calls; sessions, agents, tokens and cost are whole.`;
