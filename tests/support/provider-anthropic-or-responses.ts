/** What the scripted providers of Anthropic Messages and OpenAI Responses share beyond the others: thinking, and streams of whole events. */

import type http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TokenPrice, TokenUsage } from "@signalbox/otel/prices";
import type { PlannedToolCall, ReplyPlan, ScriptedRequest } from "./provider-plan.ts";
import { type LedgerEntry, type Provider, type ScriptedDialect, serveScripted } from "./provider-server.ts";

export interface RichPlan extends ReplyPlan {
  /** Before the text. `seal` is Anthropic's signature, OpenAI's encrypted_content. */
  thinking?: { text: string; seal?: string };
  /** In the dialect's own words, in place of what follows from the plan: Anthropic's stop_reason, OpenAI's incomplete reason. */
  stop?: string;
}

export type RichScript = (request: ScriptedRequest, n: number) => RichPlan | Promise<RichPlan>;

export interface RichUsage extends TokenUsage {
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h: number;
  reasoning: number;
}

export interface RenderedReply {
  json: string;
  /** Whole server-sent events, and the output tokens that leave with each. */
  events: { bytes: string; tokens: number }[];
  usage: RichUsage;
}

export interface RichProviderOptions {
  port?: number;
  /** USD per million tokens, for every model. */
  prices?: TokenPrice;
  models?: string[];
  script?: RichScript;
}

const DEFAULT_PRICES: TokenPrice = { input: 1, output: 4, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 };

export const startScripted = (
  dialect: Omit<ScriptedDialect<RichPlan, RenderedReply>, "sendStream">,
  { prices = DEFAULT_PRICES, script = () => ({}), ...options }: RichProviderOptions,
): Promise<Provider> => serveScripted({ ...dialect, sendStream }, { prices, script, ...options });

/** The plan's text in words, each a token. */
export function wordsOf(plan: RichPlan): string[] {
  const text = plan.text ?? (plan.toolCalls ? "" : "Hello from the scripted provider.");
  return text.split(/(?<= )/).filter(Boolean);
}

/** Ids and argument texts of the planned calls. */
export function callsOf(plan: RichPlan, n: number, prefix: string): { id: string; name: string; text: string }[] {
  return (plan.toolCalls ?? []).map((call: PlannedToolCall, index) => ({
    id: call.id ?? `${prefix}${n}_${index}`,
    name: call.name,
    text: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
  }));
}

/** @param pieces of output: a token each where the plan does not say */
export function usageOf(request: ScriptedRequest, plan: RichPlan, pieces: number): RichUsage {
  return {
    input: plan.usage?.input ?? Math.ceil(request.rawBody.length / 4),
    output: plan.usage?.output ?? pieces,
    cacheRead: plan.usage?.cacheRead ?? 0,
    cacheWrite: plan.usage?.cacheWrite ?? 0,
    cacheWrite1h: plan.usage?.cacheWrite1h ?? 0,
    reasoning: plan.usage?.reasoning ?? 0,
  };
}

/** @returns the output tokens that left, or "all" */
async function sendStream(
  response: http.ServerResponse,
  entry: LedgerEntry,
  plan: RichPlan,
  reply: RenderedReply,
): Promise<number | "all"> {
  const tokens = reply.events.reduce((sum, event) => sum + event.tokens, 0);
  const breaksAfter = plan.hang || plan.reset ? Math.max(1, Math.floor(tokens / 2)) : Number.POSITIVE_INFINITY;
  response.writeHead(200, { "content-type": "text/event-stream", "request-id": `req_${entry.n}`, "x-request-id": `req_${entry.n}` });
  let sent = 0;
  for (const event of reply.events) {
    if (sent > 0 && plan.chunkDelayMs) await sleep(plan.chunkDelayMs);
    if (response.destroyed || sent >= breaksAfter) return sent;
    response.write(event.bytes);
    sent += event.tokens;
  }
  return "all";
}
