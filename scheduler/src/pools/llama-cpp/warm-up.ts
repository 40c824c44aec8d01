/** Measures an engine before it serves: the first placement decisions stand on these numbers, later ones on real calls. */

import type { Engine, Generation } from "./engine.ts";
import type { MeasuredSpeed } from "./protocol.ts";

const PREFILL_WORDS = 400;
const DECODE_TOKENS = 12;
/** Of a reply that tells a rate, after its first token. */
const LEAST_STEPS = 4;
const MAX_RUNS = 8;
const BUDGET_MS = 300;
const never = new AbortController().signal;

export async function measureSpeed(engine: Engine, slots: number): Promise<MeasuredSpeed> {
  await generate(engine, "warm", 2);
  const prefillMsPerToken = await leastOf((run) => prefill(engine, run));
  const decodeMsPerToken = await leastOf((run) => decode(engine, run, 1));
  const full = slots === 1 ? 0 : await leastOf((run) => decode(engine, run, slots));
  return { prefillTokensPerSecond: 1000 / prefillMsPerToken, decodeMsPerToken, decodeMsPerTokenFull: Math.max(decodeMsPerToken, full) };
}

/** Other work of the machine only ever slows a run: the best of several, where they take no time to speak of. */
async function leastOf(measure: (run: number) => Promise<number>): Promise<number> {
  const startedAt = performance.now();
  let least = Infinity;
  for (let run = 0; run < MAX_RUNS && performance.now() - startedAt < BUDGET_MS; run++) least = Math.min(least, await measure(run));
  return least;
}

/** Milliseconds per prompt token. Each run begins differently, so that no cache helps. */
async function prefill(engine: Engine, run: number): Promise<number> {
  const { evaluatedTokens, firstMs } = await generate(engine, `${run} ${"the cost of the train ".repeat(PREFILL_WORDS / 5)}`, 1);
  return firstMs / evaluatedTokens;
}

/** Milliseconds per token of replies written at once. */
async function decode(engine: Engine, run: number, replies: number): Promise<number> {
  const texts = Array.from({ length: replies }, (_, slot) => `count ${run} ${slot}`);
  const runs = await Promise.all(texts.map((text) => generate(engine, text, DECODE_TOKENS)));
  return runs.reduce((sum, { msPerToken }) => sum + msPerToken, 0) / replies;
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
  const steps = result.completionTokens - 1;
  // A model may end its turn at once: the whole time stands in, which any longer reply undercuts.
  const msPerToken = steps < LEAST_STEPS ? totalMs / Math.max(1, result.completionTokens) : (totalMs - firstMs) / steps;
  return { evaluatedTokens: result.promptTokens - result.cachedTokens, firstMs, msPerToken };
}
