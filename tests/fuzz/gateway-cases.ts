/**
 * Spoiled requests and spoiled replies through the whole gateway: each client is answered, none with a failure of ours; afterwards no slot is
 * taken, no call is under way, nothing stays reserved, and every decision was sent. One case needs its number and the seed, nothing else.
 */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { randomSource } from "../support/random-source.ts";
import { DIALECTS, type DialectName, PATHS, REPLIES, REQUESTS } from "./gateway-samples.ts";
import { mutate } from "./mutate.ts";
import { mutateEvents, mutateJson } from "./mutate-json.ts";

export interface GatewayTally {
  cases: number;
  /** By the client's status. */
  answered: Record<number, number>;
  slowestMs: number;
}

export interface GatewayCases {
  cases: number;
  seed: number;
  first?: number;
  /** Budgets in memory without. */
  databaseUrl?: string;
}

interface Case {
  number: number;
  client: DialectName;
  stream: boolean;
  request: Buffer;
  /** By the engine that is asked. */
  replies: Record<DialectName, Reply>;
  headers: Record<string, string>;
}

interface Reply {
  status: number;
  type: string;
  body: Buffer;
  /** The connection is closed in the middle of it. */
  cut: boolean;
}

interface Answer {
  status: number;
  /** The pool's name, which is its dialect's. */
  engine: string | undefined;
  body: string;
  ms: number;
}

/** A call that takes as long is stuck. */
const STUCK_MS = 10_000;
const AT_ONCE = 8;
const STATUSES = [...Array.from({ length: 40 }, () => 200), 204, 400, 401, 429, 500, 503];
/** What the log says of failures that are ours. */
const FAILED = /request failed|could not be written|refuses/;
const BUDGETS = ["session", "user", "global"];
const SSE = "text/event-stream";
const JSON_TYPE = "application/json";

/** @throws Error that names the case, or what was left behind */
export async function runGatewayCases({ cases, seed, first = 0, databaseUrl }: GatewayCases): Promise<GatewayTally> {
  const tally: GatewayTally = { cases, answered: {}, slowestMs: 0 };
  const all = new Map<string, Case>();
  const engine = await startEngine(all);
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-fuzz-"));
  const log: string[] = [];
  const scheduler = await startScheduler({
    config: parseConfig(configOf(engine.url), "fuzz", {}),
    home,
    token: "admin",
    otlpEndpoint: engine.url,
    ...(databaseUrl !== undefined && { databaseUrl }),
    log: createLog((line) => log.push(line)),
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  try {
    let next = first;
    const work = async () => {
      while (next < first + cases) {
        const one = caseOf(seed, next++);
        all.set(String(one.number), one);
        const answer = await ask(scheduler.url, agent, one);
        all.delete(String(one.number));
        tally.answered[answer.status] = (tally.answered[answer.status] ?? 0) + 1;
        tally.slowestMs = Math.max(tally.slowestMs, answer.ms);
        const wrong = wrongIn(one, answer);
        const what = `${one.client} to ${answer.engine}, stream ${one.stream}, ${answer.status}`;
        if (wrong !== undefined)
          throw new Error(`case ${one.number} of seed ${seed} (${what}): ${wrong} ${log.findLast((line) => FAILED.test(line)) ?? ""}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const failed = log.find((line) => FAILED.test(line));
    if (failed) throw new Error(`seed ${seed}: ${failed}`);
    await nothingLeft(scheduler.url);
    return tally;
  } finally {
    agent.destroy();
    await scheduler.close();
    engine.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** `any` goes to whichever pool is the cheapest, and to the others when that fails or answers badly. */
const configOf = (engineUrl: string) => `
resilience: { ttft_timeout_ms: 2000, reply_timeout_ms: 2000, stall_timeout_ms: 2000, breaker: { failures: 100000, open_ms: 1 } }
budgets: [${BUDGETS.map((scope) => `{ scope: ${scope}, limit_usd: 1000000, ladder: [{ at: 1, do: pause }] }`).join(", ")}]
routes:
  - { name: words, when: { pattern: "zebra" }, use: {} }
  - name: held
    when: { task: [held] }
    use: {}
    escalate: { on: [empty, refusal, malformed_tool_call, malformed_json, length_without_answer] }
    resilience: { hedge: { after_ms: 1 } }
  - { name: kept, when: { task: [kept] }, use: {}, cache: { kind: exact, any_temperature: true } }
models: { any: { any_of: [${DIALECTS.map((dialect) => `${dialect}-model`).join(", ")}] } }
pools:${DIALECTS.map(
  (dialect, tier) => `
  - name: ${dialect}
    silicon: cloud
    engine: ${dialect === "messages" ? "anthropic" : "openai-compatible"}
    base_url: ${engineUrl}/${dialect}${dialect === "messages" ? "" : "/v1"}
    ${dialect === "responses" ? "dialects: [responses]" : ""}
    slots: ${2 * AT_ONCE}
    models: [{ id: ${dialect}-model, tier: ${tier}, input_usd_per_mtok: ${tier + 1}, output_usd_per_mtok: ${4 * tier + 4} }]`,
).join("")}
`;

function caseOf(seed: number, number: number): Case {
  const next = randomSource(seed * 1_000_003 + number);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const [client, stream] = [pick(DIALECTS), next() < 0.5];
  const model = next() < 0.3 ? "any" : `${pick(DIALECTS)}-model`;
  const asked = { model, stream, ...REQUESTS[client] };
  // One of the two mostly, so that it is what is looked at; mostly still JSON, so that it is looked at deeply.
  const which = next();
  const deeply = next() < 0.8;
  const other = Buffer.from(JSON.stringify(REQUESTS[pick(DIALECTS)]));
  const spoiltBytes = (text: string) => mutate("json", Buffer.from(text), other, next);
  const spoilt = (value: object) => (deeply ? Buffer.from(JSON.stringify(mutateJson(value, next))) : spoiltBytes(JSON.stringify(value)));
  const replyOf = ({ whole, stream: events }: (typeof REPLIES)[DialectName]): Reply => {
    const sound = which < 0.4;
    const spoiltStream = () => (deeply ? Buffer.from(mutateEvents(events, next)) : spoiltBytes(events));
    const spoiltReply = () => (stream ? spoiltStream() : spoilt(whole));
    const body = sound ? Buffer.from(stream ? events : JSON.stringify(whole)) : spoiltReply();
    const type = next() < 0.95 ? (stream ? SSE : JSON_TYPE) : pick([SSE, JSON_TYPE, "text/html", ""]);
    return { status: pick(STATUSES), type, body, cut: next() < 0.05 };
  };
  return {
    number,
    client,
    stream,
    request: which < 0.5 ? spoilt(asked) : Buffer.from(JSON.stringify(asked)),
    replies: { chat: replyOf(REPLIES.chat), messages: replyOf(REPLIES.messages), responses: replyOf(REPLIES.responses) },
    headers: {
      "x-signalbox-task": pick(["none", "none", "held", "kept"]),
      ...(next() < 0.2 && {
        "x-signalbox-session": pick(["s", "\u00ff".repeat(300), "a b\tc"]),
        "x-signalbox-sla": pick(["background", "x"]),
      }),
    },
  };
}

interface Engine {
  url: string;
  close(): void;
}

/** Answers each request as its case says, and takes spans. */
async function startEngine(all: ReadonlyMap<string, Case>): Promise<Engine> {
  const server = http.createServer(async (request, response) => {
    request.resume();
    await once(request, "end");
    const [, engine] = (request.url ?? "").split("/");
    const reply = all.get(String(request.headers["x-case"]))?.replies[engine as DialectName];
    if (!reply) return void response.writeHead(engine === "v1" ? 200 : 404).end();
    response.writeHead(reply.status, {
      "content-type": reply.type,
      "retry-after": "0",
      ...(reply.cut && { "content-length": String(reply.body.length + 9) }),
    });
    const half = Math.floor(reply.body.length / 2);
    response.write(reply.body.subarray(0, half));
    if (reply.cut) return void setImmediate(() => response.destroy());
    setImmediate(() => response.end(reply.body.subarray(half)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function ask(url: string, agent: http.Agent, { number, client, request: body, headers }: Case): Promise<Answer> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      method: "POST",
      headers: { "content-type": JSON_TYPE, "content-length": body.length, "x-case": String(number), ...headers },
      timeout: STUCK_MS,
    };
    const request = http.request(url + PATHS[client], options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const engine = response.headers["x-signalbox-pool"] as string | undefined;
        resolve({ status: response.statusCode ?? 0, engine, body: text, ms: performance.now() - begun });
      });
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`case ${number} is not answered within ${STUCK_MS} ms`)));
    request.on("error", reject);
    request.end(body);
  });
}

/** How each dialect says that a stream is over, well or not. */
const LAST: Record<DialectName, RegExp> = {
  chat: /^data: (\[DONE\]|\{"error":)/m,
  messages: /^event: (message_stop|error)$/m,
  responses: /^event: response\.(completed|incomplete|failed)$/m,
};

/** What a client of the dialect could not read, or should never be told. */
function wrongIn({ client, stream }: Case, { status, engine, body }: Answer): string | undefined {
  if (body.includes("internal_error") || body.includes("the scheduler failed")) return body.slice(0, 500);
  // As it came.
  if (client === engine) return undefined;
  const streamed = stream && status === 200;
  if (streamed && !LAST[client].test(body)) return `a stream without an end: ${body.slice(-500)}`;
  const texts = streamed ? body.split("\n").flatMap((line) => (line.startsWith("data:") ? [line.slice(5).trim()] : [])) : [body];
  return texts.find((text) => text !== "[DONE]" && !isJson(text));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function nothingLeft(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const left = await leftAt(url);
    if (left.length === 0) return;
    if (tries > 100) throw new Error(`left behind: ${left.join(", ")}`);
    await sleep(50);
  }
}

async function leftAt(url: string): Promise<string[]> {
  const headers = { authorization: "Bearer admin" };
  const read = async (at: string) =>
    ((await (await fetch(`${url}/control/${at}`, { headers })).json()) as { data: Record<string, string | number>[] }).data;
  const pools = (await read("pools")).filter(({ active, queued }) => active !== 0 || queued !== 0).map(({ name }) => `calls on ${name}`);
  const budgets = (await read("budgets"))
    .filter(({ reserved_nanousd }) => reserved_nanousd !== "0")
    .map(({ scope, id }) => `reserved of ${scope} ${id}`);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const dropped = [...metrics.matchAll(/^(signalbox_\w*dropped\w*)(?:\{[^}]*\})? ([1-9]\d*)$/gm)].map(
    ([, name, count]) => `${count} of ${name}`,
  );
  return [...pools, ...budgets, ...dropped];
}
