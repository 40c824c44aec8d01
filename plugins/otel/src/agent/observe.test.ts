import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { type OtlpSink, startOtlpSink } from "../testing/otlp-sink.ts";
import { observeAgent } from "./observe.ts";
import type { AgentObserver, AgentOptions } from "./types.ts";

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function observed(options: Partial<AgentOptions> = {}): Promise<{ agent: AgentObserver; sink: OtlpSink }> {
  const sink = await startOtlpSink();
  const agent = observeAgent({ name: "worker", endpoint: sink.url, ...options });
  open.push({ close: agent.shutdown }, sink);
  return { agent, sink };
}

const byName = (sink: OtlpSink) => new Map(sink.spans.map((span) => [span.name, span]));

describe("what hangs below what", () => {
  it("holds across awaits and for things that run at the same time", async () => {
    const { agent, sink } = await observed();
    const { session, turn, llm, tool, subagent, shutdown } = agent;
    const one = (id: string) =>
      session(id, () =>
        turn(async () => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          await Promise.all([
            tool(`${id}-a`, () => llm(`${id}-a`, () => ({}))),
            tool(`${id}-b`, () => subagent(`${id}-b`, () => llm(`${id}-b`, () => ({})))),
          ]);
        }),
      );
    await Promise.all([one("s1"), one("s2")]);
    await shutdown();
    const spans = byName(sink);
    expect(sink.spans).toHaveLength(12);
    for (const id of ["s1", "s2"]) {
      const turns = sink.spans.filter((span) => span.name === "invoke_agent worker" && span.attributes["session.id"] === id);
      expect(turns).toHaveLength(1);
      for (const name of ["a", "b"]) {
        expect(spans.get(`execute_tool ${id}-${name}`)?.parentSpanId).toBe(turns[0]?.spanId);
        expect(spans.get(`chat ${id}-${name}`)).toMatchObject({ traceId: turns[0]?.traceId, attributes: { "session.id": id } });
      }
      expect(spans.get(`chat ${id}-a`)?.parentSpanId).toBe(spans.get(`execute_tool ${id}-a`)?.spanId);
      const child = spans.get(`invoke_agent ${id}-b`);
      expect(child).toMatchObject({
        parentSpanId: spans.get(`execute_tool ${id}-b`)?.spanId,
        attributes: {
          "signalbox.agent.parent_id": id,
          "signalbox.agent.depth": 1,
          "signalbox.agent.spawned_by_tool_call": spans.get(`execute_tool ${id}-b`)?.attributes["gen_ai.tool.call.id"],
        },
      });
      expect(spans.get(`chat ${id}-b`)?.attributes["signalbox.agent.id"]).toBe(child?.attributes["signalbox.agent.id"]);
      expect(spans.get(`chat ${id}-b`)?.attributes["signalbox.turn.id"]).not.toBe(turns[0]?.attributes["signalbox.turn.id"]);
    }
  });

  it("a background sub-agent has a trace of its own, linked to its spawner, and may outlive its turn", async () => {
    const { agent, sink } = await observed();
    let child: Promise<unknown> | undefined;
    const gate = Promise.withResolvers<void>();
    await agent.session("s", () =>
      agent.turn(() => {
        child = agent.subagent({ name: "late", background: true }, () => gate.promise);
      }),
    );
    gate.resolve();
    await child;
    await agent.shutdown();
    const [root, late] = [byName(sink).get("invoke_agent worker"), byName(sink).get("invoke_agent late")];
    expect(late?.traceId).not.toBe(root?.traceId);
    expect(late).toMatchObject({ parentSpanId: "", links: [{ traceId: root?.traceId, spanId: root?.spanId }] });
  });

  it("the process's own OpenTelemetry sees nothing of it where the provider is ours", async () => {
    const { agent } = await observed();
    await agent.session("s", () => agent.turn(() => expect(trace.getSpan(context.active())).toBeUndefined()));
  });
});

describe("what a call says", () => {
  it("headers: whose it is, with a traceparent, in characters that headers can carry", async () => {
    const { agent, sink } = await observed({ name: "Zoë 🤖" });
    let headers: Record<string, string> = {};
    await agent.session({ id: "s", user: "me", task: "coding", channel: "cli" }, () =>
      agent.llm("auto", (call) => {
        headers = call.headers;
      }),
    );
    await agent.shutdown();
    const [span] = sink.spans;
    expect(headers).toMatchObject({
      "x-signalbox-session": "s",
      "x-signalbox-agent": "s",
      "x-signalbox-user": "me",
      "x-signalbox-task": "coding",
      "x-signalbox-channel": "cli",
      "x-signalbox-agent-name": "Zo? ??",
      traceparent: `00-${span?.traceId}-${span?.spanId}-01`,
    });
    expect(() => new Headers(headers)).not.toThrow();
    expect(span?.attributes["gen_ai.agent.name"]).toBe("Zoë 🤖");
  });

  it("content only where it is asked for, and without secrets", async () => {
    const secret = `sk-${"a1B2".repeat(8)}`;
    const reply = { choices: [{ message: { content: "a secret answer" } }], usage: { prompt_tokens: 3, completion_tokens: 4 } };
    for (const content of [false, true]) {
      const { agent, sink } = await observed({ content });
      await agent.session("s", async () => {
        await agent.llm({ model: "m", input: [{ role: "user", content: `use ${secret}` }] }, () => reply);
        await agent.tool({ name: "t", arguments: { query: "a secret question" } }, () => ({ found: "a secret result" }));
      });
      await agent.shutdown();
      const all = JSON.stringify(sink.spans, (_, value) => (typeof value === "bigint" ? String(value) : value));
      expect(all).not.toContain(secret);
      for (const said of ["a secret answer", "a secret question", "a secret result"]) expect(all.includes(said)).toBe(content);
      expect(byName(sink).get("chat m")?.attributes).toMatchObject({ "gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4 });
    }
  });

  it("which pool answered, from the response; a call that did not go through a gateway is not marked as routed", async () => {
    const { agent, sink } = await observed();
    await agent.session("s", async () => {
      await agent.llm("direct", () => ({}));
      await agent.llm("through", (call) => call.answered(new Headers({ "x-signalbox-decision": "d1", "x-signalbox-pool": "epyc" })));
    });
    await agent.shutdown();
    expect(byName(sink).get("chat direct")?.attributes).not.toHaveProperty(["signalbox.routed"]);
    expect(byName(sink).get("chat through")?.attributes).toMatchObject({
      "signalbox.routed": true,
      "signalbox.decision.id": "d1",
      "signalbox.pool": "epyc",
    });
  });
});

describe("ends", () => {
  it("what a tool throws is thrown on, said once at each level, and without secrets", async () => {
    const { agent, sink } = await observed();
    const error = Object.assign(new RangeError("password=hunter2 is wrong"), { status: 500 });
    const work = agent.session("s", () =>
      agent.turn(() =>
        agent.tool("t", () => {
          throw error;
        }),
      ),
    );
    await expect(work).rejects.toBe(error);
    await agent.shutdown();
    expect(sink.spans.map(({ status, attributes }) => [status.code, attributes["error.type"]])).toEqual([
      [2, "500"],
      [2, "500"],
    ]);
    expect(sink.spans[0]?.status.message).not.toContain("hunter2");
  });

  it("a stream that is left off ends its span and the request", async () => {
    const { agent, sink } = await observed();
    let returned = false;
    async function* chunks() {
      try {
        for (let n = 0; ; n++) yield { choices: [{ delta: { content: `${n}` } }] };
      } finally {
        returned = true;
      }
    }
    await agent.session("s", async () => {
      for await (const _ of agent.llmStream("m", chunks)) break;
    });
    await agent.shutdown();
    expect(returned).toBe(true);
    expect(sink.spans).toMatchObject([{ name: "chat m", attributes: { "gen_ai.request.stream": true }, status: { code: 0 } }]);
    expect(sink.spans[0]?.attributes["gen_ai.response.time_to_first_chunk"]).toBeGreaterThan(0);
  });

  it("what is open when the process ends is said to be abandoned", async () => {
    const { agent, sink } = await observed();
    void agent.session("s", () => agent.turn(() => new Promise(() => {})));
    await agent.shutdown();
    expect(sink.spans).toMatchObject([{ name: "invoke_agent worker", status: { code: 2 }, attributes: { "error.type": "abandoned" } }]);
  });

  it("a collector that is away takes nothing from the work, and neither does no OpenTelemetry at all", async () => {
    const { agent, sink } = await observed();
    await sink.close();
    expect(await agent.session("s", () => agent.turn(() => agent.tool("t", () => 7)))).toBe(7);
    const nobody = observeAgent({ name: "worker" });
    expect(await nobody.session("s", () => nobody.llm("m", ({ headers }) => headers))).not.toHaveProperty("traceparent");
    await nobody.shutdown();
  });
});

it("refuses what cannot be right, before anything runs", async () => {
  const { agent } = await observed();
  await expect(agent.llm("m", () => 1)).rejects.toThrow(/outside of a session/);
  await expect(agent.session("", () => 1)).rejects.toThrow(/a session's id/);
  await expect(agent.session("né", () => 1)).rejects.toThrow(/printable ASCII/);
  await expect(agent.session("s", () => agent.turn(() => agent.turn(() => 1)))).rejects.toThrow(/inside of a turn/);
  expect(() => observeAgent({ name: "x", endpoint: "nonsense" })).toThrow(TypeError);
});
