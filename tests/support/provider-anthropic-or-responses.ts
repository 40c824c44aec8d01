/**
 * The server of the scripted providers that speak Anthropic Messages and OpenAI Responses: the same ledger and the same plans as the chat
 * completions one of provider.ts, and thinking besides.
 */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { costNanousd, type TokenPrice, type TokenUsage } from "@signalbox/otel/prices";
import { type LedgerEntry, type Provider, sendRaw } from "./provider.ts";
import type { PlannedError, PlannedToolCall, ReplyPlan, ScriptedRequest } from "./provider-plan.ts";

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

export interface ScriptedDialect {
  /** Of the endpoint that answers by the script. */
  path: string;
  models(ids: string[]): object;
  error(error: PlannedError): object;
  render(request: ScriptedRequest, plan: RichPlan, n: number): RenderedReply;
  /** Other endpoints: an answer, or undefined for none. They are in the ledger too, and cost nothing. */
  answer?(request: ScriptedRequest): object | undefined;
}

export interface RichProviderOptions {
  port?: number;
  /** USD per million tokens, for every model. */
  prices?: TokenPrice;
  models?: string[];
  script?: RichScript;
}

const DEFAULT_PRICES: TokenPrice = { input: 1, output: 4, cacheRead: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 };

export async function startScripted(dialect: ScriptedDialect, options: RichProviderOptions): Promise<Provider> {
  const ledger: LedgerEntry[] = [];
  const prices = options.prices ?? DEFAULT_PRICES;
  const script = options.script ?? (() => ({}));

  const server = http.createServer(async (request, response) => {
    const scripted = await readRequest(request);
    if (scripted.method === "GET" && scripted.path === "/v1/models")
      return sendJson(response, 200, dialect.models(options.models ?? ["scripted"]));
    const entry = openEntry(scripted, ledger.length + 1);
    ledger.push(entry);
    response.once("close", () => {
      entry.clientClosed = !response.writableFinished && !entry.complete && entry.endedAt === 0;
      entry.endedAt ||= Date.now();
    });
    if (scripted.path === dialect.path) return reply(response, entry, await script(scripted, entry.n));
    const answer = dialect.answer?.(scripted);
    if (!answer) return sendError(response, entry, { status: 404, message: `no such endpoint: ${scripted.path}` });
    entry.status = 200;
    entry.complete = true;
    sendJson(response, 200, answer);
  });

  const reply = async (response: http.ServerResponse, entry: LedgerEntry, plan: RichPlan): Promise<void> => {
    if (plan.delayMs) await sleep(plan.delayMs);
    if (response.destroyed || plan.hang === "before-first-byte") return;
    if (plan.reset === "before-first-byte") return breakOff(response, entry);
    if (plan.error) return sendError(response, entry, plan.error);
    if (plan.raw) return sendRaw(response, entry, plan.raw);
    entry.status = 200;
    const rendered = dialect.render(entry, plan, entry.n);
    const output = entry.stream ? await sendStream(response, entry, plan, rendered) : sendWhole(response, plan, rendered);
    entry.usage = output === "all" ? rendered.usage : { ...rendered.usage, output: Math.min(output, rendered.usage.output), reasoning: 0 };
    entry.costNanousd = costNanousd(prices, entry.usage);
    if (output === "all") {
      entry.complete = true;
      response.end();
    } else if (plan.reset) breakOff(response, entry);
  };

  const sendError = (response: http.ServerResponse, entry: LedgerEntry, error: PlannedError): void => {
    entry.status = error.status;
    entry.complete = true;
    sendJson(response, error.status, dialect.error(error), error.headers);
  };

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

function sendWhole(response: http.ServerResponse, plan: RichPlan, reply: RenderedReply): number | "all" {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(reply.json) });
  if (plan.hang || plan.reset) {
    response.write(reply.json.slice(0, reply.json.length / 2));
    return reply.usage.output;
  }
  response.write(reply.json);
  return "all";
}

function breakOff(response: http.ServerResponse, entry: LedgerEntry): void {
  entry.endedAt = Date.now();
  // What was written gets out first.
  setImmediate(() => response.destroy());
}

function sendJson(response: http.ServerResponse, status: number, body: object, headers?: Record<string, string>): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
