import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stopLocalRuns } from "@signalbox/claude-code/local-runs";
import { registerClaudeCode, unregisterClaudeCode } from "@signalbox/claude-code/register";
import type { LedgerEntry } from "../../support/provider.ts";
import { startAnthropicProvider } from "../../support/provider-anthropic.ts";
import { ensureCli } from "../capture/install.ts";
import { driftOf, driftText } from "../drift.ts";
import type { Report } from "../report.ts";
import { tableOf, writeSection } from "../results.ts";
import { CHUNK_MS } from "../scenario.ts";
import { startStack } from "../stack.ts";
import { checkUnharmed } from "../unharmed.ts";
import { until } from "../waits.ts";
import { agentsOf, assertObserved, assertRouted, assertSums, assertTree, sessionOf, settled, spansOf, toolCallsOf } from "./books.ts";
import { claudeMachine, MODEL, startClaude } from "./cli.ts";
import { claudeCodeDrift } from "./drift.ts";
import { checkInteractive } from "./interactive.ts";
import { checkKill } from "./kill.ts";
import { checkMemory } from "./memory.ts";
import { checkPools } from "./pools.ts";
import { type ClaudeCodeScenario, SCENARIOS } from "./scenarios.ts";
import { scriptOf } from "./scripted.ts";
import { PATIENCE_SECONDS, watchedClaude } from "./unharmed.ts";
import { type ClaudeSuite, POOL, PRICES, priceOf, TOKEN } from "./world.ts";

export const CLAUDE_CODE_VERSION = process.env.SIGNALBOX_CLAUDE_CODE_VERSION ?? "2.1.329";
const WAYS = ["registered", "observed only", "routed only"] as const;
type Way = (typeof WAYS)[number];

/** Scenarios of the captures that are played again, by their name in the table. */
const PLAYED: Record<string, string> = {
  "plain turn": "plain-turn",
  "tool call": "tool-call",
  "failing tool": "failing-tool",
  "parallel tools": "parallel-tools",
  "sub-agent": "sub-agent",
  "nested sub-agents": "nested-sub-agents",
  "parallel sub-agents": "parallel-sub-agents",
  "background sub-agent": "background-sub-agent",
  "retry after 429": "retry-429",
  "cached prompt": "cached-prompt",
  compaction: "compaction",
  resume: "resume",
  "model replaced by the gateway": "model-replaced",
  "killed in mid-stream": "killed-mid-stream",
  "killed in a sub-agent": "killed-in-sub-agent",
};

const configOf = (url: string) => `
pools:
  - { name: ${POOL}, silicon: cloud, engine: anthropic, base_url: "${url}", credentials: caller, slots: 32, models: [${priceOf(MODEL)}] }
`;

/** The real Claude Code from npm, registered by our own command, through the real scheduler and collector. */
export async function claudeCodeSuite(report: Report): Promise<void> {
  const cli = await ensureCli("claude", "@anthropic-ai/claude-code", CLAUDE_CODE_VERSION);
  console.log(`claude-code ${cli.version}`);
  let current = scriptOf({});
  const stack = await startStack(() => ({}), {
    startProvider: () => startAnthropicProvider({ script: (request, n) => current(request, n), prices: PRICES, models: [MODEL] }),
    config: configOf,
    token: TOKEN,
  });
  const { provider, sql } = stack;
  const machine = claudeMachine(provider.url);
  const before = readFileSync(machine.settingsPath, "utf8");
  const place = { home: machine.home, stateDir: join(machine.home, "signalbox") };
  const suite: ClaudeSuite = {
    bin: cli.bin,
    stack,
    machine,
    register: async (observeOnly = false) => {
      await registerClaudeCode({
        ...place,
        claudeBin: cli.bin,
        schedulerUrl: stack.schedulerUrl,
        otlpEndpoint: stack.collectorUrl,
        observeOnly,
        trustHooks: async () => true,
      });
    },
    unregister: async () => {
      await unregisterClaudeCode(place);
    },
  };
  let drift: string[] | undefined;
  const notes: string[] = [];
  const results = new Map<string, Map<string, boolean>>();
  const check = async (name: string, way: string, run: () => Promise<void>) => {
    const byWay = results.get(name) ?? new Map<string, boolean>();
    results.set(name, byWay.set(way, await report.check(`claude-code, ${way}: ${name}`, run)));
  };

  /** Plays a scenario to its end: its session, and what the provider was asked for it, by the header that Claude Code sends. */
  const play = async (
    scenario: ClaudeCodeScenario,
    env: Record<string, string>,
  ): Promise<{ session: string; asked: () => LedgerEntry[] }> => {
    current = scriptOf(scenario.tasks);
    const from = provider.ledger.length;
    const since = () => provider.ledger.slice(from).filter(({ path }) => path === "/v1/messages");
    let session: string | undefined;
    for (const run of scenario.runs) {
      const first = since().length;
      const started = startClaude(cli.bin, machine, run.prompt, {
        env: { ...env, ...scenario.env },
        args: [...(run.resume && session !== undefined ? ["--resume", session] : []), ...(run.args ?? [])],
      });
      if (run.interrupt) {
        const { afterRequest, delayMs } = run.interrupt;
        await until("the request to interrupt", () => since().length >= first + afterRequest);
        // between two chunks, not at one: which of them left is then no matter of chance
        await sleep(delayMs + CHUNK_MS / 2);
        started.interrupt();
      }
      const end = await started.end;
      session = since().map(sessionOf).at(-1) ?? end.result?.session_id;
      if (!run.interrupt) assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
    }
    await provider.idle(10_000);
    assert.ok(session !== undefined, "the provider was asked");
    return { session, asked: () => since().filter((entry) => sessionOf(entry) === session) };
  };

  const prove = async (name: string, way: Way): Promise<void> => {
    const scenario = SCENARIOS[PLAYED[name] ?? ""] as ClaudeCodeScenario;
    const interrupted = scenario.runs.some((run) => run.interrupt);
    const env: Record<string, string> = way === "routed only" ? routedByHand(stack.schedulerUrl) : {};
    const { session, asked } = await play(scenario, env);
    const served = asked().filter(({ status }) => status === 200);
    const whole = served.filter(({ complete }) => complete);
    // what a killed run was still doing is exported by nobody: the gateway alone has it
    const counted = way === "observed only" ? whole : served;
    const spans = await settled(
      sql,
      session,
      (all) =>
        all.filter((span) => span.is_call && span.status !== 2).length >= whole.length &&
        (way === "observed only" || all.filter(({ operation }) => operation === "schedule").length >= asked().length) &&
        (way === "routed only" ||
          all.filter(({ operation }) => operation === "invoke_agent").length >= (interrupted ? 0 : scenario.runs.length)),
    );
    const good = spans.filter((span) => !(span.is_call && span.status === 2 && span.output === 0));
    const answeredBy = name.startsWith("model replaced") ? "qwen3-coder-30b" : MODEL;
    if (way === "observed only") assertObserved(good, counted, answeredBy);
    else assertRouted(good, counted, POOL);
    await assertSums(sql, session, spans);
    if (way === "routed only") {
      assert.deepEqual(
        spans.filter(({ operation }) => operation === "execute_tool" || operation === "invoke_agent"),
        [],
      );
    } else if (!interrupted) assertTree(spans, await agentsOf(sql, session), asked(), toolCallsOf(asked()));
  };

  try {
    await report.check("claude-code: register, and register again changes nothing", async () => {
      await suite.register();
      const written = readFileSync(machine.settingsPath, "utf8");
      await suite.register();
      assert.equal(readFileSync(machine.settingsPath, "utf8"), written);
    });
    for (const name of Object.keys(PLAYED)) await check(name, "registered", () => prove(name, "registered"));
    await checkMemory(suite, check, (script) => {
      current = script;
    });
    const localRuns = stopLocalRuns({ configDir: join(machine.home, ".claude"), schedulerUrl: stack.schedulerUrl, token: TOKEN });
    await checkKill(suite, check, (script) => {
      current = script;
    });
    await checkInteractive(suite, check, (script) => {
      current = script;
    });
    await localRuns.close();
    await suite.unregister();
    await report.check("claude-code: unregistered, the settings are byte for byte as they were", async () => {
      assert.equal(readFileSync(machine.settingsPath, "utf8"), before);
    });
    await suite.register(true);
    for (const name of Object.keys(PLAYED)) await check(name, "observed only", () => prove(name, "observed only"));
    await suite.unregister();
    for (const name of Object.keys(PLAYED)) await check(name, "routed only", () => prove(name, "routed only"));
    await report.check("claude-code: the captures still speak for it", async () => {
      drift = await driftOf(claudeCodeDrift, sql, provider.ledger);
      assert.deepEqual(drift, [], "drift against tests/fixtures/claude-code");
    });
    current = scriptOf({
      WATCHED: (results) =>
        results === 0 ? { toolCalls: [{ name: "Bash", input: { command: "true", description: "x" } }] } : { text: "Done as ever." },
    });
    await checkUnharmed(
      (name, run) => check(name, "observed only", run),
      notes,
      { schedulerUrl: stack.schedulerUrl, otlpEndpoint: stack.collectorUrl },
      PATIENCE_SECONDS,
      (endpoints) => watchedClaude(cli, provider.url, endpoints),
    );
    await report.check("claude-code: unregistered and by itself, nothing of it is stored", async () => {
      const { session } = await play(SCENARIOS["plain-turn"] as ClaudeCodeScenario, {});
      await sleep(1_000);
      assert.equal((await spansOf(sql, session)).length, 0);
    });
  } finally {
    await stack.close();
    machine.remove();
  }
  await checkPools(cli.bin, check);
  writeSection(
    "Claude Code",
    `${about(cli.version)}\n\n${tableOf(results, [...WAYS, "pool types"])}\n\n${LOST}\n\n${notes.join("\n")}\n\n${driftText(drift, "claude-code")}`,
  );
}

/** What a user without our plugin would set. */
const routedByHand = (schedulerUrl: string) => ({
  ANTHROPIC_BASE_URL: schedulerUrl,
  ANTHROPIC_CUSTOM_HEADERS: "x-signalbox-credentials: caller",
  CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
});

const about = (version: string) =>
  `Claude Code ${version}, ${new Date().toISOString().slice(0, 10)}, \`npm run test:agents -- claude-code\`. Each cell: tokens by kind and cost of every call in ` +
  "Postgres equal the provider's ledger, call by call, on the right agent, turn and pool; sums of session, agents and hours equal them.";

const LOST = `What each way of running loses, and says:

- **observed only**: no pool and no decision; a call that was cut off is exported by nobody, so it is missing; a model that has no price
  in our table costs *unknown*.
- **routed only**: no tool calls, no turns as spans and no prompts; calls, agents, their tree, turn ids and cost are whole.
- **registered**, killed: the calls are whole; tool calls that were open when the process died are not exported by Claude Code.`;
