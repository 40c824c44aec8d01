/**
 * A scripted model provider with a ledger: what it was asked, what it served, what it charged.
 *
 *     const provider = await startProvider({ script: (request) => ({ text: "hi", usage: { input: 10, output: 2 } }) });
 *     ... point a client at `${provider.url}/v1` ...
 *     expect(provider.ledger[0].costNanousd).toBe(...)
 *
 * It speaks the OpenAI chat completions dialect. Another dialect is one more renderer and one more line in `reply`.
 */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { costNanousd, type TokenPrice } from "@signalbox/otel/prices";
import { type RenderedChat, renderChat, type ServedUsage } from "./provider-chat.ts";
import type { PlannedError, ReplyPlan, Script, ScriptedRequest } from "./provider-plan.ts";

export { lastText, type ReplyPlan, type Script, type ScriptedRequest } from "./provider-plan.ts";

export interface LedgerEntry extends ScriptedRequest {
  /** 1-based, in order of arrival. */
  n: number;
  /** What was answered; 0 while nothing was. */
  status: number;
  /** Tokens that left this provider; a broken stream counts the input and the chunks that were sent. */
  usage: ServedUsage;
  /** `usage` at this provider's prices, nano-USD. */
  costNanousd: number;
  /** The client went away before the reply was complete. */
  clientClosed: boolean;
  /** The reply was sent to its end. */
  complete: boolean;
  /** Milliseconds since the epoch; `endedAt` is 0 while the request is open. */
  startedAt: number;
  endedAt: number;
}

export interface ProviderOptions {
  port?: number;
  /** USD per million tokens, for every model. Default: 1 in, 4 out, 0.1 for cache reads. */
  prices?: TokenPrice;
  /** Models listed by `GET /v1/models`. */
  models?: string[];
  script?: Script;
}

export interface Provider {
  /** Without the `/v1`. */
  url: string;
  ledger: LedgerEntry[];
  /** Sum of what the ledger charged, nano-USD. */
  charged(): number;
  /** Resolves when no request is open; rejects after `timeoutMs` (default 5,000). */
  idle(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

const DEFAULT_PRICES: TokenPrice = { input: 1, output: 4, cacheRead: 0.1 };

export async function startProvider(options: ProviderOptions = {}): Promise<Provider> {
  const ledger: LedgerEntry[] = [];
  const prices = options.prices ?? DEFAULT_PRICES;
  const script = options.script ?? (() => ({}));

  const server = http.createServer(async (request, response) => {
    const scripted = await readRequest(request);
    if (scripted.method === "GET" && scripted.path === "/v1/models") {
      const data = (options.models ?? ["scripted"]).map((id) => ({ id, object: "model", created: 0, owned_by: "provider" }));
      return sendJson(response, 200, { object: "list", data });
    }
    const entry = openEntry(scripted, ledger.length + 1);
    ledger.push(entry);
    response.once("close", () => {
      entry.clientClosed = !response.writableFinished && !entry.complete && entry.endedAt === 0;
      entry.endedAt ||= Date.now();
    });
    if (scripted.path !== "/v1/chat/completions") {
      return sendError(response, entry, { status: 404, message: `no such endpoint: ${scripted.path}` });
    }
    await reply(response, entry, await script(scripted, entry.n), prices);
  });

  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    ledger,
    charged: () => ledger.reduce((sum, entry) => sum + entry.costNanousd, 0),
    async idle(timeoutMs = 5_000) {
      const deadline = Date.now() + timeoutMs;
      while (ledger.some((entry) => entry.endedAt === 0)) {
        if (Date.now() > deadline) throw new Error(`provider still has an open request after ${timeoutMs} ms`);
        await sleep(5);
      }
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function readRequest(request: http.IncomingMessage): Promise<ScriptedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const rawBody = Buffer.concat(chunks).toString();
  const body = (rawBody ? JSON.parse(rawBody) : {}) as Record<string, unknown>;
  const path = new URL(request.url ?? "/", "http://provider").pathname;
  const model = typeof body.model === "string" ? body.model : "";
  return { method: request.method ?? "GET", path, headers: request.headers, body, rawBody, model, stream: body.stream === true };
}

function openEntry(request: ScriptedRequest, n: number): LedgerEntry {
  return {
    ...request,
    n,
    status: 0,
    usage: { input: 0, output: 0, cacheRead: 0, reasoning: 0 },
    costNanousd: 0,
    clientClosed: false,
    complete: false,
    startedAt: Date.now(),
    endedAt: 0,
  };
}

async function reply(response: http.ServerResponse, entry: LedgerEntry, plan: ReplyPlan, prices: TokenPrice): Promise<void> {
  if (plan.delayMs) await sleep(plan.delayMs);
  if (response.destroyed) return;
  if (plan.hang === "before-first-byte") return;
  if (plan.reset === "before-first-byte") return breakOff(response, entry);
  if (plan.error) return sendError(response, entry, plan.error);
  if (plan.raw) return sendRaw(response, entry, plan.raw);

  entry.status = 200;
  const chat = renderChat(entry, plan, entry.n);
  const served = entry.stream ? await sendStream(response, entry, plan, chat) : sendWhole(response, plan, chat);
  entry.usage = served === "all" ? chat.usage : { ...chat.usage, output: Math.min(served, chat.usage.output), reasoning: 0 };
  entry.costNanousd = costNanousd(prices, entry.usage);
  if (served === "all") {
    entry.complete = true;
    response.end();
  } else if (plan.reset) breakOff(response, entry);
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

function sendWhole(response: http.ServerResponse, plan: ReplyPlan, chat: RenderedChat): number | "all" {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(chat.json) });
  if (plan.hang || plan.reset) {
    response.write(chat.json.slice(0, chat.json.length / 2));
    return chat.usage.output;
  }
  response.write(chat.json);
  return "all";
}

function breakOff(response: http.ServerResponse, entry: LedgerEntry): void {
  entry.endedAt = Date.now();
  // What was written gets out first.
  setImmediate(() => response.destroy());
}

export function sendRaw(response: http.ServerResponse, entry: LedgerEntry, { type, body }: { type: string; body: string }): void {
  entry.status = 200;
  entry.complete = true;
  response.writeHead(200, { "content-type": type }).end(body);
}

function sendError(response: http.ServerResponse, entry: LedgerEntry, error: PlannedError): void {
  entry.status = error.status;
  entry.complete = true;
  const { status, message = `scripted ${status}`, type = "server_error", code = null, headers } = error;
  sendJson(response, status, { error: { message, type, param: null, code } }, headers);
}

function sendJson(response: http.ServerResponse, status: number, body: object, headers?: Record<string, string>): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
