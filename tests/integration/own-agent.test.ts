import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { observeAgent, SessionStoppedError } from "@signalbox/otel/agent";
import OpenAI from "openai";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Collector, startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as parseCollectorConfig } from "../../collector-processor/src/config.ts";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { lastText, type Provider, startProvider } from "../support/provider.ts";
import { runCommand } from "../support/run-command.ts";
import { untilReady } from "./collector-support.ts";
import { ready } from "./scheduler-support.ts";

/** An agent of one's own: the example of plugins/otel/README.md in a process of its own, through the gateway to a scripted provider. */

const root = path.resolve(import.meta.dirname, "../..");
const TOKEN = "own-agent-token";
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let home: string;
let database: TestDatabase;
let provider: Provider;
let collector: Collector;
let scheduler: Awaited<ReturnType<typeof startScheduler>>;
let sql: postgres.Sql;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "signalbox-own-agent-"));
  database = await createDatabase();
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  provider = await startProvider({
    prices: { input: 3, output: 15, cacheRead: 0.3 },
    script: (request, n) => {
      const asked = lastText(request);
      if (asked === "fail") return { error: { status: 422, message: "no such thing" } };
      if (asked === "slowly") return { text: "one two three four five six seven eight".repeat(20), chunkDelayMs: 200 };
      return {
        text: asked.startsWith("Write") ? "the report" : "in two pieces",
        usage: { input: 900 + n, output: 20 * n, cacheRead: 100 * n, reasoning: n },
      };
    },
  });
  const config = parseCollectorConfig("", "defaults", { SIGNALBOX_TOKEN: TOKEN });
  collector = await startCollector({ host: "127.0.0.1", port: 0, grpcPort: 0, databaseUrl: database.url, config, log: silent });
  await untilReady(collector.url);
  scheduler = await startScheduler({
    config: parseConfig(
      `
pools:
  - name: cloud
    silicon: cloud
    engine: openai-compatible
    base_url: ${provider.url}/v1
    models: [{ id: scripted, tier: 2, input_usd_per_mtok: 3, output_usd_per_mtok: 15, cache_read_usd_per_mtok: 0.3 }]
models:
  auto: { any_of: [scripted] }
`,
      "test config",
      {},
    ),
    home,
    otlpEndpoint: collector.url,
    token: TOKEN,
    log: silent,
  });
  await ready(scheduler.url);
}, 120_000);

afterAll(async () => {
  await scheduler?.close();
  await collector?.close();
  await provider?.close();
  await sql?.end();
  await database?.drop();
  await rm(home, { recursive: true, force: true });
});

interface Row {
  span_id: string;
  parent: string | null;
  trace_id: string;
  session_id: string;
  agent_id: string;
  agent_name: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  turn_id: string | null;
  cost_nusd: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
  status: number;
}

const rowsOf = (session: string) => sql<Row[]>`
  select encode(span_id, 'hex') as span_id, encode(parent_span_id, 'hex') as parent, encode(trace_id, 'hex') as trace_id, session_id,
    agent_id, agent_name, name, operation, is_call, turn_id, cost_nusd, input_tokens, output_tokens, status
  from signalbox.spans
  where trace_id in (select trace_id from signalbox.spans where session_id = ${session}) order by start_time, span_id`;

async function settled(session: string, calls: number, turns: number): Promise<Row[]> {
  return vi.waitFor(
    async () => {
      const rows = await rowsOf(session);
      const counts = [rows.filter((row) => row.is_call).length, rows.filter((row) => row.operation === "invoke_agent").length];
      expect(counts).toEqual([calls, turns]);
      return rows;
    },
    { timeout: 20_000, interval: 100 },
  );
}

const run = (file: string, environment: Record<string, string>) =>
  runCommand(process.execPath, [path.join(root, file)], { cwd: root, env: { PATH: process.env.PATH ?? "", ...environment } });

describe("the example", () => {
  let rows: Row[];
  beforeAll(async () => {
    const ended = await run("plugins/otel/examples/own-agent.ts", { SIGNALBOX_OTLP: collector.url, SIGNALBOX_SCHEDULER: scheduler.url });
    expect(ended).toMatchObject({ code: 0, output: "the report\n" });
    rows = await settled("nightly-report", 2, 2);
  }, 60_000);

  it("every call is the provider's, on the right agent and turn, and costs what the provider charged", async () => {
    const served = provider.ledger.map(({ usage, costNanousd }) => [String(usage.input), String(usage.output), String(costNanousd)]);
    const calls = rows.filter((row) => row.is_call);
    expect(calls.map((call) => [call.input_tokens, call.output_tokens, call.cost_nusd])).toEqual(served);
    expect(calls.map((call) => call.agent_name)).toEqual(["reporter", "writer"]);
    const [session] = await sql`select cost_nusd, calls, channel from signalbox.sessions where session_id = 'nightly-report'`;
    expect(session).toMatchObject({ cost_nusd: String(provider.charged()), calls: "2", channel: "cron" });
  });

  it("hangs together: turn, tool, sub-agent, call, the request of it, the gateway's decision and attempt", () => {
    const byId = new Map(rows.map((row) => [row.span_id, row]));
    const path = (row: Row | undefined): string[] => (row === undefined ? [] : [...path(byId.get(row.parent ?? "")), row.name]);
    const [first, second] = rows.filter((row) => row.is_call);
    expect(path(first)).toEqual(["invoke_agent reporter", "chat auto", "POST", "schedule auto", "chat scripted"]);
    expect(path(second)).toEqual([
      "invoke_agent reporter",
      "execute_tool delegate",
      "invoke_agent writer",
      "chat auto",
      "POST",
      "schedule auto",
      "chat scripted",
    ]);
    expect(rows.map(({ name }) => name)).toContain("execute_tool read_sales");
    expect(new Set(rows.map(({ trace_id }) => trace_id)).size).toBe(1);
    expect(second?.turn_id).not.toBe(first?.turn_id);
    // nothing of it is anybody else's session: what names none is joined by its trace
    expect(new Set(rows.map(({ session_id }) => session_id).filter((id) => !id.startsWith("t:")))).toEqual(new Set(["nightly-report"]));
  });

  it("knows the sub-agent, and which tool call spawned it", async () => {
    const agents = await sql`
      select agent_id, parent_agent_id, spawned_by_tool_call from signalbox.agents where session_id = 'nightly-report' order by depth`;
    expect(agents).toMatchObject([
      { agent_id: "nightly-report", parent_agent_id: null },
      { parent_agent_id: "nightly-report", spawned_by_tool_call: expect.any(String) },
    ]);
  });
});

describe("the library with a provider of its own", () => {
  const observer = (options: Partial<Parameters<typeof observeAgent>[0]> = {}) =>
    observeAgent({ name: "worker", endpoint: collector.url, routed: true, ...options });
  const client = () => new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "none", maxRetries: 0 });
  const body = (content: string) => ({ model: "auto", messages: [{ role: "user" as const, content }] });
  const stream = (content: string) => ({ ...body(content), stream: true as const, stream_options: { include_usage: true } });

  const control = async (session: string, verb: string) => {
    const response = await fetch(`${scheduler.url}/control/sessions/${session}/${verb}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ reason: "it loops" }),
    });
    return (await response.json()) as { upstream_closed: number; agents_acknowledged: string[]; unknown: string[] };
  };

  it("passes a stream on, with its usage, its first chunk, and the call of the gateway below it", async () => {
    const agent = observer();
    let said = "";
    await agent.session("streams", () =>
      agent.turn(async () => {
        const chunks = agent.llmStream("auto", ({ headers, signal }) =>
          client().chat.completions.create(stream("hi"), { headers, signal }),
        );
        for await (const chunk of chunks) said += chunk.choices[0]?.delta.content ?? "";
      }),
    );
    await agent.shutdown();
    expect(said).toBe("in two pieces");
    const rows = await settled("streams", 1, 1);
    const entry = provider.ledger.at(-1);
    const chat = rows.find((row) => row.name === "chat auto");
    expect(chat).toMatchObject({ is_call: false, cost_nusd: null, input_tokens: String(entry?.usage.input) });
    expect(rows.find((row) => row.operation === "schedule")?.parent).toBe(chat?.span_id);
    expect(rows.find((row) => row.is_call)?.cost_nusd).toBe(String(entry?.costNanousd));
    const [told] = await sql`select attributes, ttft_ms from signalbox.spans where encode(span_id, 'hex') = ${chat?.span_id ?? ""}`;
    expect(told?.ttft_ms).toBeGreaterThan(0);
    // nothing of what was said: content was not asked for
    const own = await sql`select 1 from signalbox.span_messages where encode(span_id, 'hex') = ${chat?.span_id ?? ""}`;
    expect(own).toHaveLength(0);
  });

  it("throws on what the call threw, and says that it failed, with nothing left open", async () => {
    const agent = observer();
    const failing = agent.session("fails", () =>
      agent.turn(() => agent.llm("auto", ({ headers }) => client().chat.completions.create(body("fail"), { headers }))),
    );
    await expect(failing).rejects.toMatchObject({ status: 422 });
    await agent.shutdown();
    const rows = await settled("fails", 1, 1);
    expect(rows.filter(({ status }) => status === 2).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["invoke_agent worker", "chat auto"]),
    );
  });

  it("a kill ends what is under way with its receipt, refuses what comes, and another session goes on; a resume lifts it", async () => {
    const agent = observer({ control: { schedulerUrl: scheduler.url, token: TOKEN } });
    const slowly = (session: string, started: () => void) =>
      agent.session(session, () =>
        agent.turn(() =>
          agent.subagent("digger", async () => {
            const chunks = agent.llmStream("auto", ({ headers, signal }) =>
              client().chat.completions.create(stream(session === "victim" ? "slowly" : "hi"), { headers, signal }),
            );
            for await (const _ of chunks) started();
          }),
        ),
      );
    const begun = Promise.withResolvers<void>();
    const victim = slowly("victim", begun.resolve).catch((error: unknown) => error);
    await begun.promise;
    const receipt = await control("victim", "kill");
    const error = await victim;
    // from the gateway's stream or from the control stream, whichever came first
    expect((error as Error).message).toMatch(/victim (?:is|was) killed: it loops/);
    expect(receipt).toMatchObject({ upstream_closed: 1, agents_acknowledged: [expect.stringContaining("worker on ")], unknown: [] });
    await provider.idle();
    const asked = provider.ledger.length;

    await expect(slowly("victim", () => {})).rejects.toThrow(SessionStoppedError);
    expect(provider.ledger.length).toBe(asked);
    await slowly("bystander", () => {});
    await control("victim", "resume");
    await vi.waitFor(() => agent.session("victim", () => agent.tool("again", () => "works")), { timeout: 20_000 });
    await agent.shutdown();

    const rows = await settled("victim", 1, 2);
    expect(rows.filter(({ agent_name }) => agent_name === "digger").map(({ name }) => name)).toContain("invoke_agent digger");
    expect(rows.find(({ name }) => name === "chat auto")).toMatchObject({ status: 2 });
  });

  it("a kill of one project's session leaves another project's of the same id alone", async () => {
    const agent = observer({ control: { schedulerUrl: scheduler.url, token: TOKEN } });
    const working = ["a", "b"].map((project) => {
      const done = Promise.withResolvers<string>();
      const waiting = ({ signal }: { signal: AbortSignal }) => {
        signal.addEventListener("abort", () => done.reject(signal.reason));
        return done.promise;
      };
      const outcome = agent
        .session({ id: "shared-id", project }, () => agent.tool("wait", waiting))
        .catch((error: unknown) => (error as Error).name);
      return { done, outcome };
    });
    const receipt = await vi.waitUntil(
      async () => {
        const answer = await control("shared-id", "kill?project=a");
        return answer.agents_acknowledged.length > 0 ? answer : undefined;
      },
      { timeout: 20_000 },
    );
    expect(receipt.agents_acknowledged).toEqual([expect.stringContaining("worker on ")]);
    for (const { done } of working) done.resolve("done");
    expect(await Promise.all(working.map(({ outcome }) => outcome))).toEqual(["SessionStoppedError", "done"]);
    await agent.session({ id: "shared-id", project: "b" }, () => agent.tool("again", () => "works"));
    await control("shared-id", "resume");
    await agent.shutdown();
  });

  it("work that does not heed a kill ends for its caller and in its span, and the receipt does not claim that it stopped", async () => {
    const agent = observer({ control: { schedulerUrl: scheduler.url, token: TOKEN } });
    const begun = Promise.withResolvers<void>();
    const deaf = agent
      .session("deaf", () =>
        agent.turn(async () => {
          await agent.llm("auto", ({ headers }) => client().chat.completions.create(body("hi"), { headers }));
          await agent.tool("deaf", () => {
            begun.resolve();
            return new Promise(() => {});
          });
        }),
      )
      .catch((error: unknown) => error);
    await begun.promise;
    const receipt = await vi.waitUntil(
      async () => {
        const answer = await control("deaf", "kill");
        return answer.unknown.length > 0 ? answer : undefined;
      },
      { timeout: 20_000 },
    );
    expect(await deaf).toBeInstanceOf(SessionStoppedError);
    expect(receipt.agents_acknowledged).toEqual([]);
    expect(receipt.unknown.join()).toContain("has not ended");
    await agent.shutdown();
    const rows = await settled("deaf", 1, 1);
    expect(rows.find(({ name }) => name === "execute_tool deaf")).toMatchObject({ status: 2 });
  });
});

describe("an agent that speaks OpenTelemetry already", () => {
  it("needs addresses alone: the SDK's own exporter, and spans as any framework makes them", async () => {
    const ended = await run("plugins/otel/examples/any-framework.ts", {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_SERVICE_NAME: "any-framework",
    });
    expect(ended).toMatchObject({ code: 0, output: "" });
    const rows = await settled("framework-session", 1, 1);
    expect(rows.find((row) => row.is_call)).toMatchObject({ input_tokens: "1000", output_tokens: "100" });
    // 1,000 × 3 + 100 × 15 USD per million tokens, as our table has it
    expect(rows.find((row) => row.is_call)?.cost_nusd).toBe("4500000");
  });
});
