/** One kill of one tree whose agents speak three dialects to three kinds of pools, in the middle of 50 streams. */

import { monitorEventLoopDelay } from "node:perf_hooks";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { control, type Gateway, startGateway, TOKEN } from "./admission-support.ts";
import { ready, until } from "./scheduler-support.ts";

type DialectName = "chat" | "messages" | "responses";

/** Each kind of agent by the headers that it sends itself; `parent` undefined is the root's own. */
interface Agent {
  id: string;
  dialect: DialectName;
  headers: Record<string, string>;
}
const claudeCode = (id: string, parent?: string): Agent => ({
  id,
  dialect: "messages",
  headers: {
    "x-claude-code-session-id": "root",
    ...(id !== "root" && { "x-claude-code-agent-id": id }),
    ...(parent && { "x-claude-code-parent-agent-id": parent }),
  },
});
const codex = (id: string, parent: string): Agent => ({
  id,
  dialect: "responses",
  headers: { "session-id": "root", "thread-id": id, "x-codex-parent-thread-id": parent },
});
const openclaw = (id: string, parent: string): Agent => ({
  id,
  dialect: "chat",
  headers: { "x-signalbox-session": "root", "x-signalbox-agent": id, "x-signalbox-parent-agent": parent },
});
const TREE = [
  claudeCode("root"),
  claudeCode("claude-sub"),
  claudeCode("claude-nested", "claude-sub"),
  codex("codex-sub", "root"),
  codex("codex-nested", "codex-sub"),
  openclaw("openclaw-sub", "root"),
  openclaw("openclaw-nested", "codex-nested"),
];
const MODELS = ["of-anthropic", "of-openai", "of-llama"];
const LLAMA_SLOTS = 20;
const LONG = { text: "word ".repeat(2_000), chunkDelayMs: 20 };
/** What each dialect's agent stops at, instead of trying again (design: the three agents). */
const STOPS: Record<DialectName, number> = { messages: 402, responses: 400, chat: 403 };

let database: TestDatabase;
let providers: Record<"of-anthropic" | "of-openai", Provider>;
let gateway: Gateway;

beforeAll(async () => {
  database = await createDatabase();
  providers = {
    "of-anthropic": await startAnthropicProvider({ script: () => LONG }),
    "of-openai": await startProvider({ script: () => LONG }),
  };
  gateway = await startGateway(
    `
pools:
  - { name: anthropic, silicon: cloud, engine: anthropic, base_url: "${providers["of-anthropic"].url}", slots: 32, models: [{ id: of-anthropic }] }
  - { name: openai, silicon: gpu, engine: openai-compatible, base_url: "${providers["of-openai"].url}/v1", slots: 32, models: [{ id: of-openai }] }
  - name: llama
    silicon: cpu
    engine: llama-cpp
    model: demo
    threads: 1
    slots: ${LLAMA_SLOTS}
    context_tokens: 512
    max_output_tokens: 400
    demo_pace_ms: 100
    models: [{ id: of-llama }]
`,
    database.url,
  );
  await ready(gateway.url);
}, 240_000);
afterAll(async () => {
  await gateway?.close();
  await providers?.["of-anthropic"].close();
  await providers?.["of-openai"].close();
  await database?.drop();
});

const PATHS: Record<DialectName, string> = { chat: "/v1/chat/completions", messages: "/v1/messages", responses: "/v1/responses" };

function bodyOf(dialect: DialectName, model: string, maxTokens: number): object {
  const messages = [{ role: "user", content: "hello" }];
  // The greedy reply of the demo model to this is long, and the same each time.
  const common = { model, temperature: 0, stream: true };
  if (dialect === "responses") return { ...common, input: "hello", max_output_tokens: maxTokens };
  return { ...common, messages, max_tokens: maxTokens };
}

/** A streaming call whose first bytes have come; `text` resolves with all of it. */
async function stream({ dialect, headers }: Pick<Agent, "dialect" | "headers">, model: string, maxTokens = 400) {
  const response = await fetch(gateway.url + PATHS[dialect], {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}`, ...headers },
    body: JSON.stringify(bodyOf(dialect, model, maxTokens)),
  });
  expect(response.status).toBe(200);
  return { text: response.text().catch((error: Error) => `broken: ${error.message}`) };
}

/** A call by the dialect's own SDK, which tries again where the answer lets it. */
async function call({ dialect, headers }: Agent, model: string): Promise<{ status: unknown; message: string; requests: number }> {
  let requests = 0;
  const counted: typeof fetch = (...request) => {
    requests++;
    return fetch(...request);
  };
  const options = { apiKey: TOKEN, maxRetries: 4, defaultHeaders: headers, fetch: counted };
  const openai = new OpenAI({ ...options, baseURL: `${gateway.url}/v1` });
  const messages = [{ role: "user" as const, content: "hello" }];
  const error = await {
    chat: () => openai.chat.completions.create({ model, messages }),
    responses: () => openai.responses.create({ model, input: "hello" }),
    messages: () => new Anthropic({ ...options, baseURL: gateway.url }).messages.create({ model, max_tokens: 9, messages }),
  }
    [dialect]()
    .then(
      () => new Error("it was served"),
      (thrown: Error & { status?: number }) => thrown,
    );
  return { status: "status" in error ? error.status : undefined, message: error.message, requests };
}

const pools = async () => (await control(gateway.url, "GET", "/pools")).body.data as { name: string; active: number; queued: number }[];
const ledger = () => [...providers["of-anthropic"].ledger, ...providers["of-openai"].ledger];

test("50 streams of one tree: all closed, all slots free, and every agent is refused so that it stops at once", async () => {
  const plan = Array.from({ length: 50 }, (_, n) => ({
    agent: TREE[n % TREE.length] as Agent,
    model: MODELS[Math.floor(n / TREE.length) % MODELS.length] as string,
  }));
  const onLlama = plan.filter(({ model }) => model === "of-llama").length;
  const streams = await Promise.all(plan.map(({ agent, model }) => stream(agent, model)));
  const other = await stream({ dialect: "chat", headers: { "x-signalbox-session": "other" } }, "of-openai");
  expect((await pools()).map(({ name, active }) => [name, active])).toEqual([
    ["anthropic", plan.filter(({ model }) => model === "of-anthropic").length],
    ["openai", plan.filter(({ model }) => model === "of-openai").length + 1],
    ["llama", onLlama],
  ]);

  // Providers and gateway share this process: what it stood still itself is none of the gateway's.
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  stalls.enable();
  const at = Date.now();
  const { status, body } = await control(gateway.url, "POST", "/sessions/root/kill", { reason: "test" });
  await until(() => ledger().filter((entry) => entry.clientClosed).length >= 50 - onLlama, "the providers saw all of them close");
  stalls.disable();
  const ofRoot = ledger().filter((entry) => entry.clientClosed);
  const slowest = Math.max(...ofRoot.map((entry) => entry.endedAt - at));
  const stalled = stalls.max / 1e6;
  console.log(
    `kill: the last socket closed after ${slowest} ms (longest stall ${stalled.toFixed(0)} ms), receipt after ${body.elapsed_ms} ms`,
  );

  // The receipt says what the providers saw, and nothing else.
  expect(ofRoot).toHaveLength(50 - onLlama);
  expect(ofRoot.every((entry) => !entry.complete)).toBe(true);
  expect(status).toBe(200);
  expect(body).toMatchObject({ session: "root", state: "killed", upstream_closed: 50, slots_freed: 50, dequeued: 0, unknown: [] });
  expect((body.descendants as string[]).sort()).toEqual(
    TREE.map(({ id }) => id)
      .filter((id) => id !== "root")
      .sort(),
  );
  expect((await pools()).map(({ active, queued }) => [active, queued])).toEqual([
    [0, 0],
    [1, 0],
    [0, 0],
  ]);
  for (const { text } of streams) expect(await text).toContain("Signalbox: root was killed: test.");

  const asked = ledger().length;
  const unseen = [claudeCode("claude-new", "codex-nested"), codex("codex-new", "claude-sub"), openclaw("openclaw-new", "claude-nested")];
  for (const agent of [...TREE, ...unseen]) {
    for (const model of MODELS) {
      const { message, ...refused } = await call(agent, model);
      expect([agent.id, model, refused]).toEqual([agent.id, model, { status: STOPS[agent.dialect], requests: 1 }]);
      expect(message).toContain("Signalbox: root was killed: test. No further calls are served.");
    }
  }
  // Counting costs nothing, and is no way on for a stopped agent either.
  const [root] = TREE as [Agent];
  const anthropic = new Anthropic({ apiKey: TOKEN, maxRetries: 4, baseURL: gateway.url, defaultHeaders: root.headers });
  const counting = anthropic.messages.countTokens({ model: "of-anthropic", messages: [{ role: "user", content: "hello" }] });
  await expect(counting).rejects.toMatchObject({ status: STOPS.messages });
  expect(ledger()).toHaveLength(asked);

  // Somebody else's stream goes on, and the worker has all of its sequences again.
  expect(ledger().filter((entry) => entry.clientClosed)).toHaveLength(50 - onLlama);
  const next = Array.from({ length: LLAMA_SLOTS }, (_, n) =>
    stream({ dialect: "chat", headers: { "x-signalbox-session": `next-${n}` } }, "of-llama", 2),
  );
  for (const { text } of await Promise.all(next)) expect(await text).toContain("[DONE]");
  await control(gateway.url, "POST", "/sessions/other/kill");
  await other.text;
}, 60_000);
