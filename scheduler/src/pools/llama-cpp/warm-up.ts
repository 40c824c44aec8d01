/** Measures an engine before it serves: the first placement decisions stand on these numbers, later ones on real calls. */

import type { Engine, Generation } from "./engine.ts";
import type { MeasuredSpeed } from "./protocol.ts";

const PREFILL_WORDS = 400;
const DECODE_TOKENS = 12;
const never = new AbortController().signal;

export async function measureSpeed(engine: Engine, slots: number): Promise<MeasuredSpeed> {
  await generate(engine, "warm", 2);
  const prompt = await generate(engine, "the cost of the train ".repeat(PREFILL_WORDS / 5), 1);
  const alone = await generate(engine, "count", DECODE_TOKENS);
  const full = await Promise.all(Array.from({ length: slots }, (_, slot) => generate(engine, `count ${slot}`, DECODE_TOKENS)));
  return {
    prefillTokensPerSecond: (prompt.evaluatedTokens / prompt.firstMs) * 1000,
    decodeMsPerToken: alone.msPerToken,
    decodeMsPerTokenFull: Math.max(alone.msPerToken, full.reduce((sum, run) => sum + run.msPerToken, 0) / full.length),
  };
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
