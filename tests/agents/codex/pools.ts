import assert from "node:assert/strict";
import { join } from "node:path";
import { registerCodex } from "@signalbox/codex/register";
import { findPrice } from "@signalbox/otel/prices";
import { type Provider, startProvider } from "../../support/provider.ts";
import { startAnthropicProvider } from "../../support/provider-anthropic.ts";
import type { InstalledCli } from "../capture/install.ts";
import type { Report } from "../report.ts";
import { startStack } from "../stack.ts";
import { settled } from "./books.ts";
import { codexMachine, startCodex } from "./cli.ts";
import { SCENARIOS } from "./scenarios.ts";
import { scriptOf } from "./scripted.ts";

const tasks = SCENARIOS["sub-agent"]?.tasks ?? {};
const prices = findPrice("gpt-5-codex", "openai");

interface Engine {
  start(): Promise<Provider>;
  pool(url: string): string;
  prompt: string;
  /** Calls of the session, and agents among them. */
  calls: number;
  agents: number;
}

const usd = `input_usd_per_mtok: ${prices?.input}, output_usd_per_mtok: ${prices?.output}`;
const models = `models: [{ id: gpt-5-codex, tier: 1, ${usd} }]`;
const ENGINES: Record<string, Engine> = {
  "openai-compatible, chat": {
    start: () => startProvider({ script: scriptOf(tasks), ...(prices && { prices }) }),
    pool: (url) => `{ name: chat, silicon: cloud, engine: openai-compatible, base_url: "${url}/v1", ${models} }`,
    prompt: "PARENT_TASK please",
    calls: 6,
    agents: 2,
  },
  anthropic: {
    start: () => startAnthropicProvider({ script: scriptOf(tasks), ...(prices && { prices }) }),
    pool: (url) => `{ name: claude, silicon: cloud, engine: anthropic, base_url: "${url}", ${models} }`,
    prompt: "PARENT_TASK please",
    calls: 6,
    agents: 2,
  },
  "llama-cpp": {
    // not asked: the demo model runs in the scheduler's own worker
    start: () => startProvider(),
    pool: () =>
      `{ name: cpu, silicon: cpu, engine: llama-cpp, model: demo, context_tokens: 32768, max_output_tokens: 32, models: [{ id: gpt-5-codex, tier: 1 }], slots: 1, hourly_usd: 0.4 }`,
    prompt: "Say hello",
    calls: 1,
    agents: 1,
  },
};

/** A tool call and a sub-agent of the real Codex on pools that do not speak its dialect; on llama.cpp, which knows no tools, a turn. */
export async function checkPools(report: Report, cli: InstalledCli, results: Map<string, Map<string, boolean>>): Promise<void> {
  for (const [name, engine] of Object.entries(ENGINES)) {
    const row = `on a pool of ${name}`;
    const stack = await startStack(() => ({}), { startProvider: engine.start, config: (url) => `pools:\n  - ${engine.pool(url)}\n` });
    const machine = codexMachine(stack.provider.url);
    try {
      const passed = await report.check(`codex, registered: ${row}`, async () => {
        await registerCodex({
          home: machine.home,
          codexBin: cli.bin,
          stateDir: join(machine.home, "signalbox"),
          schedulerUrl: stack.schedulerUrl,
          otlpEndpoint: stack.collectorUrl,
        });
        const end = await startCodex(cli.bin, machine, [engine.prompt], 180_000).end;
        assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
        const spans = await settled(stack.sql, end.thread as string, (all) => all.filter((span) => span.is_call).length >= engine.calls);
        const calls = spans.filter((span) => span.is_call);
        assert.equal(calls.length, engine.calls);
        assert.equal(new Set(calls.map((call) => call.agent_id)).size, engine.agents);
        const { ledger } = stack.provider;
        if (ledger.length > 0) {
          const key = (input: unknown, output: unknown, cost: unknown) => `${input} in, ${output} out, ${cost} nUSD`;
          assert.deepEqual(
            calls.map((call) => key(call.input, call.output, call.cost)).toSorted(),
            ledger.map((entry) => key(entry.usage.input, entry.usage.output, entry.costNanousd)).toSorted(),
          );
        }
      });
      results.set(row, new Map([["registered", passed]]));
    } finally {
      await stack.close();
      machine.remove();
    }
  }
}
