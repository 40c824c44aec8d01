/** Measures an engine before it serves: the first placement decisions stand on these numbers, later ones on real calls. */

import type { Engine, Generation } from "./engine.ts";
import type { MeasuredSpeed } from "./protocol.ts";

const PREFILL_WORDS = 400;
const PREFILL_RUNS = 4;
const PREFILL_BUDGET_MS = 500;
const DECODE_TOKENS = 12;
const never = new AbortController().signal;

export async function measureSpeed(engine: Engine, slots: number): Promise<MeasuredSpeed> {
  await generate(engine, "warm", 2);
  const prefillTokensPerSecond = await fastestPrefill(engine);
  const alone = await generate(engine, "count", DECODE_TOKENS);
  const full = await Promise.all(Array.from({ length: slots }, (_, slot) => generate(engine, `count ${slot}`, DECODE_TOKENS)));
  return {
    prefillTokensPerSecond,
    decodeMsPerToken: alone.msPerToken,
    decodeMsPerTokenFull: Math.max(alone.msPerToken, full.reduce((sum, run) => sum + run.msPerToken, 0) / full.length),
  };
}

/**
 * Other work of the machine only ever slows a pass: the best of several, where they take no time to speak of. Each begins differently, so that
 * no cache helps.
 */
async function fastestPrefill(engine: Engine): Promise<number> {
  let fastest = 0;
  let spentMs = 0;
  for (let run = 0; run < PREFILL_RUNS && spentMs < PREFILL_BUDGET_MS; run++) {
    const { evaluatedTokens, firstMs } = await generate(engine, `${run} ${"the cost of the train ".repeat(PREFILL_WORDS / 5)}`, 1);
    fastest = Math.max(fastest, (evaluatedTokens / firstMs) * 1000);
    spentMs += firstMs;
  }
  return fastest;
}

async function generate(engine: Engine, text: string, maxTokens: number) {
  const generation: Generation = { messages: [{ type: "user", text }], maxTokens, temperature: 1, stop: [] };
  const startedAt = performance.now();
  let firstMs = 0;
  const result = await engine.generate(generation, never, () => {
    firstMs ||= performance.now() - startedAt;
  });
  const totalMs = performance.now() - startedAt;
  firstMs ||= totalMs;
  // A reply of one token has no step to measure: its first token stands in.
  const steps = result.completionTokens - 1;
  const msPerToken = steps > 0 ? (totalMs - firstMs) / steps : firstMs;
  return { evaluatedTokens: result.promptTokens - result.cachedTokens, firstMs, msPerToken };
}
