import assert from "node:assert/strict";
import { join } from "node:path";
import { registerClaudeCode } from "@signalbox/claude-code/register";
import { DEMO_CONFIG } from "../../../scheduler/src/config/demo.ts";
import { startProvider } from "../../support/provider.ts";
import { startAnthropicProvider } from "../../support/provider-anthropic.ts";
import { startResponsesProvider } from "../../support/provider-responses.ts";
import type { Check } from "../report.ts";
import { type Stack, type StackOptions, startStack } from "../stack.ts";
import { agentsOf, assertSums, settled } from "./books.ts";
import { claudeMachine, startClaude } from "./cli.ts";
import { SCENARIOS } from "./scenarios.ts";
import { scriptOf } from "./scripted.ts";
import { PRICES, priceOf, TOKEN } from "./world.ts";

const TYPES = {
  "anthropic, same dialect": {
    start: startAnthropicProvider,
    pool: (url: string) => `engine: anthropic, base_url: "${url}"`,
  },
  "openai-compatible, chat completions": {
    start: startProvider,
    pool: (url: string) => `engine: openai-compatible, base_url: "${url}/v1"`,
  },
  "openai-compatible, responses": {
    start: startResponsesProvider,
    pool: (url: string) => `engine: openai-compatible, base_url: "${url}/v1", dialects: [responses]`,
  },
};

/** One run of a Claude Code on a machine of its own, registered before a stack of its own; its session. */
async function onPools(
  bin: string,
  prompt: string,
  options: StackOptions,
  prove: (stack: Stack, session: string, answer: string | undefined) => Promise<void>,
): Promise<void> {
  const stack = await startStack(() => ({}), { ...options, token: TOKEN });
  const machine = claudeMachine("http://127.0.0.1:9");
  try {
    await registerClaudeCode({
      home: machine.home,
      stateDir: join(machine.home, "signalbox"),
      schedulerUrl: stack.schedulerUrl,
      otlpEndpoint: stack.collectorUrl,
      key: TOKEN,
      trustHooks: async () => true,
    });
    const end = await startClaude(bin, machine, prompt, { args: ["--model", "auto"] }).end;
    assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
    await prove(stack, end.result?.session_id as string, end.result?.result);
  } finally {
    await stack.close();
    machine.remove();
  }
}

/** A tool call and a sub-agent on every type of pool that can call tools; the agent asks for `auto`, as register sets it. */
export async function checkPools(bin: string, check: Check): Promise<void> {
  for (const [name, { start, pool }] of Object.entries(TYPES)) {
    await check(`tool call and sub-agent on ${name}`, "pool types", () => {
      const script = scriptOf(SCENARIOS["sub-agent"]?.tasks ?? {});
      const options: StackOptions = {
        startProvider: () => start({ script, prices: PRICES, models: ["house-model"] }),
        config: (url) => `
pools:
  - { name: house, silicon: gpu, ${pool(url)}, slots: 8, models: [${priceOf("house-model")}] }
models:
  auto: { any_of: [house-model] }
`,
      };
      return onPools(bin, "PARENT_TASK please", options, async ({ sql, provider: { ledger } }, session, answer) => {
        assert.equal(answer, "All finished.");
        assert.equal(ledger.length, 5, "three calls of the parent, two of the sub-agent");
        const spans = await settled(sql, session, (all) => all.filter((span) => span.is_call).length === ledger.length);
        const book = (input: number, output: number, cost: number | null) => `${input} in, ${output} out, ${cost}`;
        assert.deepEqual(
          spans.filter((span) => span.is_call).map((span) => book(span.input, span.output, span.cost)),
          ledger.map(({ usage, costNanousd }) => book(usage.input, usage.output, costNanousd)),
        );
        await assertSums(sql, session, spans);
        const [child] = (await agentsOf(sql, session)).filter(({ agent_id }) => agent_id !== session);
        assert.equal(child?.parent_agent_id, session);
        assert.ok(child?.spawned_by_tool_call);
        assert.equal(spans.filter(({ operation }) => operation === "execute_tool").length, 3);
      });
    });
  }

  await check("plain turn on the demo pools, llama.cpp", "pool types", () =>
    onPools(bin, "Say hello", { config: () => DEMO_CONFIG }, async ({ sql }, session) => {
      const isCall = ({ is_call }: { is_call: boolean }) => is_call;
      const spans = await settled(sql, session, (all) => all.some(isCall) && all.some(({ operation }) => operation === "invoke_agent"));
      const [call, ...more] = spans.filter(isCall);
      assert.equal(more.length, 0);
      assert.match(String(call?.pool), /^demo-/);
      // one token each of what the demo's random model said, and seconds of its pool
      assert.ok(call && call.input > 1_000 && call.output > 0 && (call.cost ?? 0) > 0);
      await assertSums(sql, session, spans);
    }),
  );
}
