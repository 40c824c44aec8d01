/**
 * Measures a remote pool before clients' calls do: how long a first token takes, how fast prompts are read and replies written. Three small
 * calls that are paid for, in the books as the scheduler's own.
 */

import type { AdmitAside } from "../admission/aside.ts";
import { scanChatRequest } from "../dialects/chat-request.ts";
import type { Log } from "../log.ts";
import type { SpeedPrior } from "../pools/learned-speed.ts";
import type { Offer, Pool } from "../pools/pool.ts";
import { maxTokensFieldOf } from "../pools/provider.ts";
import { newSpanId } from "../telemetry/ids.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import { asideIdentity, callAside } from "./aside.ts";

export interface WarmUpOptions {
  admit: AdmitAside;
  record: (record: DecisionRecord) => void;
  log: Log;
}

/** Of one call. */
interface Timing {
  promptTokens: number;
  ttftMs: number;
  /** Undefined: too few tokens came. */
  msPerToken: number | undefined;
}

/** What Responses takes at least. */
const FEW_TOKENS = 16;
const REPLY_TOKENS = 48;
/** Fewer tokens than this say nothing of a rate. */
const LEAST_TOKENS = 8;
const PROMPT_WORDS = 1_500;
const TIMEOUT_MS = 60_000;
/** Of a first token's time the prompt takes as much at least: a smaller part cannot be told from chance. */
const LEAST_SHARE = 0.1;
const COUNT = "Count from one to a hundred in words, with nothing before or after.";

/** @returns measures one pool and gives it its rates. Where that cannot be done it says why, and the rates stay as they were. Never rejects. */
export function createWarmUp(options: WarmUpOptions): (pool: Pool) => Promise<void> {
  return async (pool) => {
    const { name, offers, speed } = pool;
    const [offer] = offers;
    if (!offer) return;
    const spent = { nanousd: 0 };
    try {
      const prior = await measure((text, maxTokens) => call(options, offer, text, maxTokens, spent), speed.decodeMsPerToken);
      speed.setPrior(prior);
      options.log.info("pool measured", {
        pool: name,
        model: offer.model,
        first_token_ms: Math.round(prior.fixedMs),
        prefill_tokens_per_second: Math.round(prior.prefillTokensPerSecond),
        decode_ms_per_token: Math.round(prior.decodeMsPerToken * 10) / 10,
        cost_nanousd: spent.nanousd,
      });
    } catch (error) {
      const { message: reason } = error as Error;
      options.log.warn("pool could not be measured: its rates stay as they were assumed", { pool: name, reason });
    }
  };
}

/** @throws where a call failed */
async function measure(ask: (text: string, maxTokens: number) => Promise<Timing>, assumedMsPerToken: number): Promise<SpeedPrior> {
  // The first call opens the connection, and loads what an engine loads late.
  await ask(COUNT, FEW_TOKENS);
  const short = await ask(COUNT, REPLY_TOKENS);
  const long = await ask(`${"the cost of the train ".repeat(PROMPT_WORDS / 5)}\n${COUNT}`, FEW_TOKENS);
  const prefillMs = Math.max(long.ttftMs - short.ttftMs, LEAST_SHARE * long.ttftMs);
  const decodeMsPerToken = short.msPerToken ?? assumedMsPerToken;
  return {
    fixedMs: short.ttftMs,
    prefillTokensPerSecond: (Math.max(1, long.promptTokens - short.promptTokens) / prefillMs) * 1000,
    decodeMsPerToken,
    // How a batch slows its calls would take as many calls as there are slots.
    decodeMsPerTokenFull: decodeMsPerToken,
  };
}

async function call(
  { admit, record }: WarmUpOptions,
  offer: Offer,
  text: string,
  maxTokens: number,
  spent: { nanousd: number },
): Promise<Timing> {
  const body = {
    model: offer.model,
    // It begins differently each time, so that no cache helps.
    messages: [{ role: "user", content: `${newSpanId()}\n${text}` }],
    [maxTokensFieldOf(offer.source.provider)]: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  };
  const { status, record: done } = await callAside({
    chat: scanChatRequest(Buffer.from(JSON.stringify(body))),
    headers: { "content-type": "application/json" },
    identity: asideIdentity("warm-up", undefined),
    offer,
    admit,
    route: "warm-up",
    reason: "the pool is measured at its start",
    baseline: undefined,
    learns: false,
    maxReplyBytes: 0,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    record,
  });
  const [attempt] = done.attempts;
  spent.nanousd += attempt?.costNanousd ?? 0;
  if (status !== 200 || done.error !== undefined || !attempt)
    throw new Error(`a call was answered with ${status} (${done.error ?? "no reply"})`);
  const { firstChunkAt, startedAt, endedAt, usage } = attempt;
  if (firstChunkAt === undefined || !usage) throw new Error("a reply held no text: a model that thinks first, perhaps");
  return {
    promptTokens: usage.input,
    ttftMs: firstChunkAt - startedAt,
    msPerToken: usage.output < LEAST_TOKENS ? undefined : (endedAt - firstChunkAt) / (usage.output - 1),
  };
}
