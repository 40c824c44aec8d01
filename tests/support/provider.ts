/**
 * A scripted model provider with a ledger: what it was asked, what it served, what it charged.
 *
 *     const provider = await startProvider({ script: (request) => ({ text: "hi", usage: { input: 10, output: 2 } }) });
 *     ... point a client at `${provider.url}/v1` ...
 *     expect(provider.ledger[0].costNanousd).toBe(...)
 *
 * It speaks the OpenAI chat completions dialect. Another dialect is one more for the server in `provider-server.ts`.
 */

import type http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TokenPrice } from "@signalbox/otel/prices";
import { type RenderedChat, renderChat } from "./provider-chat.ts";
import type { PlannedError, ReplyPlan, Script, ScriptedRequest } from "./provider-plan.ts";
import { type LedgerEntry, type Provider, serveScripted } from "./provider-server.ts";

export { lastText, type PlannedToolCall, type ReplyPlan, type Script, type ScriptedRequest } from "./provider-plan.ts";
export type { LedgerEntry, Provider } from "./provider-server.ts";

export interface ProviderOptions {
  port?: number;
  /** USD per million tokens, for every model. Default: 1 in, 4 out, 0.1 for cache reads. */
  prices?: TokenPrice;
  /** Models listed by `GET /v1/models`. */
  models?: string[];
  /** How `GET /v1/models` goes: see `ServerOptions`. */
  listing?: (request: ScriptedRequest) => ReplyPlan;
  script?: Script;
}

const DEFAULT_PRICES: TokenPrice = { input: 1, output: 4, cacheRead: 0.1 };

export const startProvider = ({ prices = DEFAULT_PRICES, script = () => ({}), ...options }: ProviderOptions = {}): Promise<Provider> =>
  serveScripted(
    {
      path: "/v1/chat/completions",
      models: (ids) => ({ object: "list", data: ids.map((id) => ({ id, object: "model", created: 0, owned_by: "provider" })) }),
      error: errorBody,
      render: renderChat,
      sendStream,
    },
    { prices, script, ...options },
  );

function errorBody(error: PlannedError): object {
  const { status, message = `scripted ${status}`, type = "server_error", code = null } = error;
  return { error: { message, type, param: null, code } };
}

/** @returns the output tokens that left, or "all" */
async function sendStream(response: http.ServerResponse, entry: LedgerEntry, plan: ReplyPlan, chat: RenderedChat): Promise<number | "all"> {
  const breaksAfter = plan.hang || plan.reset ? 1 + Math.floor(chat.contentEvents / 2) : Number.POSITIVE_INFINITY;
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": `provider-${entry.n}` });
  for (const [index, event] of chat.events.entries()) {
    if (index > 0 && plan.chunkDelayMs) await sleep(plan.chunkDelayMs);
    if (index >= breaksAfter || response.destroyed) return Math.max(0, index - 1);
    response.write(`data: ${event}\n\n`);
  }
  return "all";
}
