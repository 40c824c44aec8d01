/** The server of every scripted provider: the ledger, and what a plan does to a reply. A dialect makes the bytes. */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { costNanousd, type TokenPrice } from "@signalbox/otel/prices";
import type { PlannedError, ReplyPlan, ScriptedRequest, ServedUsage } from "./provider-plan.ts";

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

export interface Provider {
  /** Without the `/v1`. */
  url: string;
  ledger: LedgerEntry[];
  /** Sum of what the ledger charged, nano-USD. */
  charged(): number;
  /** Resolves when no request is open; rejects after `timeoutMs` (default 20,000). */
  idle(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface Rendered {
  json: string;
  usage: ServedUsage;
}

export interface ScriptedDialect<Plan extends ReplyPlan, Reply extends Rendered> {
  /** Of the endpoint that answers by the script. */
  path: string;
  models(ids: string[]): object;
  error(error: PlannedError): object;
  render(request: ScriptedRequest, plan: Plan, n: number): Reply;
  /** Sends as much of the stream as the plan says. @returns the output tokens that left, or "all" */
  sendStream(response: http.ServerResponse, entry: LedgerEntry, plan: Plan, reply: Reply): Promise<number | "all">;
  /** Other endpoints: an answer, or undefined for none. They are in the ledger too, and cost nothing. */
  answer?(request: ScriptedRequest): object | undefined;
}

export interface ServerOptions<Plan extends ReplyPlan> {
  port?: number;
  /** USD per million tokens, for every model. */
  prices: TokenPrice;
  /** Models listed by `GET /v1/models`. */
  models?: string[];
  /** How `GET /v1/models` goes: its `delayMs`, `hang`, `reset` and `error`. Such requests are not in the ledger. */
  listing?: (request: ScriptedRequest) => ReplyPlan;
  /** `n` counts the requests from 1. */
  script: (request: ScriptedRequest, n: number) => Plan | Promise<Plan>;
}

export async function serveScripted<Plan extends ReplyPlan, Reply extends Rendered>(
  dialect: ScriptedDialect<Plan, Reply>,
  options: ServerOptions<Plan>,
): Promise<Provider> {
  const ledger: LedgerEntry[] = [];
  const { prices, script } = options;

  const server = http.createServer(async (request, response) => {
    const scripted = await readRequest(request);
    if (scripted.method === "GET" && scripted.path === "/v1/models") return list(response, options.listing?.(scripted) ?? {});
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

  const list = async (response: http.ServerResponse, { delayMs, hang, reset, error }: ReplyPlan): Promise<void> => {
    if (delayMs) await sleep(delayMs);
    if (response.destroyed || hang) return;
    if (reset) return void response.destroy();
    if (error) return sendJson(response, error.status, dialect.error(error), error.headers);
    sendJson(response, 200, dialect.models(options.models ?? ["scripted"]));
  };

  const reply = async (response: http.ServerResponse, entry: LedgerEntry, plan: Plan): Promise<void> => {
    if (plan.delayMs) await sleep(plan.delayMs);
    if (response.destroyed || plan.hang === "before-first-byte") return;
    if (plan.reset === "before-first-byte") return breakOff(response, entry);
    if (plan.error) return sendError(response, entry, plan.error);
    if (plan.raw) return sendRaw(response, entry, plan.raw);
    entry.status = 200;
    const rendered = dialect.render(entry, plan, entry.n);
    const output = entry.stream ? await dialect.sendStream(response, entry, plan, rendered) : sendWhole(response, plan, rendered);
    entry.usage = output === "all" ? rendered.usage : { ...rendered.usage, output: Math.min(output, rendered.usage.output), reasoning: 0 };
    entry.costNanousd = costNanousd(prices, entry.usage) ?? Number.NaN;
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
    async idle(timeoutMs = 20_000) {
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

function sendWhole(response: http.ServerResponse, plan: ReplyPlan, reply: Rendered): number | "all" {
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

function sendRaw(response: http.ServerResponse, entry: LedgerEntry, { type, body }: { type: string; body: string }): void {
  entry.status = 200;
  entry.complete = true;
  response.writeHead(200, { "content-type": type }).end(body);
}

function sendJson(response: http.ServerResponse, status: number, body: object, headers?: Record<string, string>): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
