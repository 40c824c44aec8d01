import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { SpanRecord } from "@signalbox/otel/provider";
import { describe, expect, it } from "vitest";
import { loadFixture, type Replayed, replay, VERSIONS } from "./testing/replay.ts";

const of = (spans: SpanRecord[], operation: string) => spans.filter((span) => span.attributes[Attribute.operation] === operation);
const value = (span: SpanRecord | undefined, name: string) => span?.attributes[name];
const named = (spans: SpanRecord[], name: string) => {
  const found = spans.filter((span) => span.name === name);
  expect(found, `spans named ${name}`).toHaveLength(1);
  return found[0] as SpanRecord;
};

/** A compaction that somebody asked for is made in no turn. */
const isOutside = (span: SpanRecord) => String(value(span, Attribute.turnId)).includes(":compaction:");

/** What must hold in every scenario. */
function expectSound({ spans, requests }: Replayed) {
  expect(spans.length).toBeGreaterThan(0);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  expect(byId.size, "span ids are unique").toBe(spans.length);
  expect(new Set(spans.map((span) => value(span, Attribute.sessionId))).size, "one session").toBe(1);
  for (const span of spans) {
    expect(value(span, Attribute.conversationId)).toBe(value(span, Attribute.sessionId));
    expect(value(span, Attribute.agentKind)).toBe("openclaw");
    expect(value(span, Attribute.turnId)).toBeTruthy();
    expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    const parent = byId.get(span.parentSpanId ?? "");
    if (value(span, Attribute.operation) === Operation.invokeAgent || isOutside(span)) continue;
    // Every call and tool stands under its own turn, or a further attempt at it; what it did to memory, under the tool.
    const under = value(span, Attribute.operation) === Operation.memory ? /^execute_tool / : /^(invoke_agent|attempt) /;
    expect(parent?.name).toMatch(under);
    expect(value(parent, Attribute.turnId)).toBe(value(span, Attribute.turnId));
    expect(parent?.traceId).toBe(span.traceId);
  }
  // The request's traceparent is the id of a chat span of ours, with the same identity: the scheduler's spans nest under it.
  const chats = of(spans, Operation.chat);
  expect(requests.map((request) => request.spanId).toSorted()).toEqual(chats.map((span) => span.spanId).toSorted());
  for (const request of requests) {
    const span = byId.get(request.spanId);
    expect(request.identity?.identity.sessionId).toBe(value(span, Attribute.sessionId));
    expect(request.identity?.identity.agentId).toBe(value(span, Attribute.signalboxAgentId));
    expect(request.identity?.turnId).toBe(value(span, Attribute.turnId));
    expect(value(span, Attribute.routed)).toBe(true);
    expect(value(span, Attribute.costNanousd), "a routed call has no cost here").toBeUndefined();
  }
}

describe.each(VERSIONS)("OpenClaw %s", (version) => {
  const scenario = (name: string, options?: Parameters<typeof replay>[1]) => replay(loadFixture(version, name), options);

  it.each([
    "plain-turn",
    "exec-tool",
    "failing-tool",
    "parallel-tools",
    "tool-search",
    "spawned-sub-agent",
    "parallel-sub-agents",
    "cron",
    "aborted",
    "aborted-in-tool",
    "aborted-tree",
    "nested-sub-agents",
    "retry-429",
    "cached-prompt",
    "compaction",
    "model-replaced",
    "memory",
    "refused-400",
  ])("%s is sound", (name) => {
    expectSound(scenario(name));
  });

  it("a plain turn is a turn and a call, with tokens, channel and a person waiting", () => {
    const { spans, requests } = scenario("plain-turn");
    expect(spans.map((span) => span.name).toSorted()).toEqual(["chat scripted", "invoke_agent main"]);
    const chat = named(spans, "chat scripted");
    expect(value(chat, Attribute.inputTokens)).toBeGreaterThan(1_000);
    expect(value(chat, Attribute.outputTokens)).toBe(5);
    expect(value(chat, Attribute.channel)).toBe("telegram");
    expect(value(chat, Attribute.finishReasons)).toEqual(["stop"]);
    expect(value(chat, Attribute.timeToFirstChunk)).toBeGreaterThan(0);
    expect(requests[0]?.identity?.identity).toMatchObject({ channel: "telegram", humanWaits: true, task: undefined, depth: 0 });
    expect(value(chat, "openclaw.session.key")).toBe("agent:main:telegram:direct:123");
  });

  it("the same call not routed has the cost that OpenClaw reports, and no mark", () => {
    const { spans, requests } = scenario("plain-turn", { schedulerOrigin: "http://127.0.0.1:1" });
    expect(requests).toHaveLength(0);
    const chat = named(spans, "chat scripted");
    const expected = (Number(value(chat, Attribute.inputTokens)) + 4 * Number(value(chat, Attribute.outputTokens))) * 1_000;
    expect(value(chat, Attribute.costNanousd)).toBe(expected);
    expect(value(chat, Attribute.costSource)).toBe("reported");
    expect(value(chat, Attribute.routed)).toBeUndefined();
  });

  it("a call to the scheduler's provider is routed even where its request was not seen", () => {
    const { spans } = scenario("plain-turn", { schedulerOrigin: "http://127.0.0.1:1", schedulerProviders: new Set(["scripted"]) });
    expect(value(named(spans, "chat scripted"), Attribute.routed)).toBe(true);
    expect(value(named(spans, "chat scripted"), Attribute.costUsd)).toBeUndefined();
  });

  it("an exec call is one tool span under the turn", () => {
    const { spans } = scenario("exec-tool");
    const tool = named(spans, "execute_tool exec");
    expect(tool.parentSpanId).toBe(named(spans, "invoke_agent main").spanId);
    expect(value(tool, Attribute.toolCallId)).toMatch(/^call_\d+_0$/);
    expect(tool.error).toBeUndefined();
    expect(of(spans, Operation.chat)).toHaveLength(2);
  });

  it("a tool that fails is an error, the turn is not", () => {
    const { spans } = scenario("failing-tool");
    expect(named(spans, "execute_tool read").error).toBeDefined();
    expect(value(named(spans, "execute_tool read"), Attribute.errorType)).toBe("failed");
    expect(named(spans, "invoke_agent main").error).toBeUndefined();
  });

  it("parallel tools are two spans with ids of their own", () => {
    const tools = of(scenario("parallel-tools").spans, Operation.executeTool);
    expect(tools.map((span) => span.name)).toEqual(["execute_tool exec", "execute_tool exec"]);
    expect(new Set(tools.map((span) => value(span, Attribute.toolCallId))).size).toBe(2);
  });

  it("a tool found by Tool Search is one call, under the id the model gave", () => {
    const tools = of(scenario("tool-search").spans, Operation.executeTool);
    expect(tools.map((span) => span.name)).toEqual(["execute_tool memory_search"]);
    expect(value(tools[0], Attribute.toolCallId)).toMatch(/^call_\d+_0$/);
  });

  it("a sub-agent's turn stands under the tool call that spawned it, and its announcement follows the first turn by a link", () => {
    const { spans } = scenario("spawned-sub-agent");
    const turns = of(spans, Operation.invokeAgent);
    expect(turns.map((span) => span.name).toSorted()).toEqual(["invoke_agent kid", "invoke_agent main", "invoke_agent main"]);
    const kid = named(spans, "invoke_agent kid");
    const spawn = named(spans, "execute_tool sessions_spawn");
    const [first, announcement] = turns.filter((span) => span.name === "invoke_agent main").toSorted((a, b) => a.startMs - b.startMs);
    expect(kid.parentSpanId).toBe(spawn.spanId);
    expect(spawn.parentSpanId).toBe(first?.spanId);
    expect(announcement?.parentSpanId).toBeUndefined();
    expect(announcement?.links).toEqual([{ traceId: first?.traceId, spanId: first?.spanId }]);

    const session = value(first, Attribute.sessionId);
    expect(session).toMatch(/^[0-9a-f]{8}-/);
    expect(value(first, Attribute.signalboxAgentId)).toBe(session);
    expect(value(first, Attribute.agentDepth)).toBe(0);
    expect(value(kid, Attribute.signalboxAgentId)).toMatch(/^agent:main:subagent:/);
    expect(value(kid, Attribute.parentAgentId)).toBe(session);
    expect(value(kid, Attribute.agentDepth)).toBe(1);

    // Each span of the child says which call spawned it.
    const ofKid = spans.filter((span) => value(span, Attribute.agentDepth) === 1);
    expect(ofKid.map((span) => span.name).toSorted()).toEqual(["chat scripted", "chat scripted", "execute_tool exec", "invoke_agent kid"]);
    for (const span of ofKid) expect(value(span, Attribute.spawnedByToolCall)).toBe(value(spawn, Attribute.toolCallId));
    expect(of(spans, Operation.chat)).toHaveLength(6);
    expect(of(spans, Operation.executeTool)).toHaveLength(3);
  });

  it("two sub-agents spawned at once are each under their own call", () => {
    const { spans } = scenario("parallel-sub-agents");
    const calls = spans.filter((span) => span.name === "execute_tool sessions_spawn");
    expect(calls).toHaveLength(2);
    const kids = ["kid-a", "kid-b"].map((label) => spans.find((span) => span.name === `invoke_agent ${label}`));
    expect(kids.map((kid) => kid?.parentSpanId).toSorted()).toEqual(calls.map((call) => call.spanId).toSorted());
    expect(new Set(kids.map((kid) => value(kid, Attribute.spawnedByToolCall))).size).toBe(2);
    expect(kids.map((kid) => value(kid, Attribute.channel))).toEqual(["telegram", "telegram"]);
    // The model asked for kid-a first.
    const order = calls.toSorted((a, b) => String(value(a, Attribute.toolCallId)).localeCompare(String(value(b, Attribute.toolCallId))));
    expect(kids[0]?.parentSpanId).toBe(order[0]?.spanId);
  });

  it("a sub-agent's sub-agent stands under the tool call that spawned it, in the root's session", () => {
    const { spans } = scenario("nested-sub-agents");
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const [label, spawner, depth] of [
      ["MIDDLE", "main", 1],
      ["KID", "MIDDLE", 2],
    ]) {
      const [turn] = spans.filter((span) => span.name === `invoke_agent ${label}`).toSorted((a, b) => a.startMs - b.startMs);
      const spawn = byId.get(turn?.parentSpanId ?? "");
      expect([spawn?.name, byId.get(spawn?.parentSpanId ?? "")?.name]).toEqual(["execute_tool sessions_spawn", `invoke_agent ${spawner}`]);
      expect(value(turn, Attribute.agentDepth)).toBe(depth);
    }
  });

  it("a run that is tried again after 429 is one turn: what it did the second time is an attempt under it", () => {
    const { spans } = scenario("retry-429");
    const turn = named(spans, "invoke_agent main");
    const attempt = named(spans, "attempt main");
    expect(attempt.parentSpanId).toBe(turn.spanId);
    expect(value(attempt, Attribute.operation)).toBeUndefined();
    const [refused, answered] = of(spans, Operation.chat).toSorted((a, b) => a.startMs - b.startMs);
    expect([refused?.parentSpanId, answered?.parentSpanId]).toEqual([turn.spanId, attempt.spanId]);
    expect(refused?.error).toBeDefined();
    expect(value(answered, Attribute.outputTokens)).toBeGreaterThan(0);
  });

  it("a compaction that is asked for is a call of its session, and its request says so", () => {
    const { spans, requests } = scenario("compaction");
    expect(of(spans, Operation.invokeAgent)).toHaveLength(3);
    const [compaction, ...others] = of(spans, Operation.chat).filter(isOutside);
    expect(others).toEqual([]);
    expect(compaction?.parentSpanId).toBeUndefined();
    expect(value(compaction, Attribute.channel)).toBe("telegram");
    expect(requests).toHaveLength(4);
  });

  it("cached tokens are part of the input; the model that answered is the one that is named", () => {
    const cached = of(scenario("cached-prompt").spans, Operation.chat)[0];
    expect([value(cached, Attribute.inputTokens), value(cached, Attribute.cacheReadTokens)]).toEqual([9_000, 8_192]);
    const replaced = of(scenario("model-replaced").spans, Operation.chat)[0];
    expect([value(replaced, Attribute.requestModel), value(replaced, Attribute.responseModel)]).toEqual(["scripted", "another-model"]);
  });

  it("reads and writes of memory files are spans under their tool calls, their text only where content is taken along", () => {
    const told = ({ spans }: Replayed) =>
      of(spans, Operation.memory).map((span) => {
        expect(value(span, Attribute.memoryPath)).toMatch(/memory\/2026-11-21\.md$/);
        const messages = value(span, Attribute.inputMessages);
        const text = typeof messages === "string" ? JSON.parse(messages)[0].parts[0].content : undefined;
        return [value(span, Attribute.memoryOperation), value(span, Attribute.memoryLines), text];
      });
    expect(told(scenario("memory", { content: true }))).toEqual([
      ["write", undefined, "+ colour: teal"],
      ["write", undefined, "- teal\n+ green"],
      ["read", "1-1", undefined],
      ["read", undefined, undefined],
    ]);
    for (const [, , text] of told(scenario("memory"))) expect(text).toBeUndefined();
  });

  it("a scheduled job says so, and nobody waits", () => {
    const { spans, requests } = scenario("cron");
    expect(value(spans[0], Attribute.task)).toBe("cron");
    expect(value(spans[0], Attribute.channel)).toBe("cron");
    expect(requests[0]?.identity?.identity).toMatchObject({ task: "cron", humanWaits: false });
  });

  it("an aborted turn ends at once, its call and its tool with it", () => {
    for (const name of ["aborted", "aborted-in-tool", "aborted-tree"]) {
      const { spans, mapper } = scenario(name);
      const turns = of(spans, Operation.invokeAgent);
      for (const turn of turns) expect(value(turn, Attribute.errorType)).toBe("aborted");
      expect(mapper.finish(Date.now()), "nothing is left open").toEqual([]);
    }
    const call = named(scenario("aborted").spans, "chat scripted");
    expect(value(call, Attribute.errorType)).toBe("aborted");
    expect(value(named(scenario("aborted-in-tool").spans, "execute_tool exec"), Attribute.errorType)).toBe("cancelled");
    expect(of(scenario("aborted-tree").spans, Operation.invokeAgent)).toHaveLength(2);
  });

  it("without hooks (no conversation access) the sub-agent is still its spawner's, under the spawner's turn", () => {
    const lines = loadFixture(version, "spawned-sub-agent").filter((line) => line.source !== "hook");
    const { spans, requests } = replay(lines);
    const kid = of(spans, Operation.invokeAgent).find((span) => value(span, Attribute.agentDepth) === 1);
    expect(value(kid, Attribute.parentAgentId)).toBe(value(spans[0], Attribute.sessionId));
    expect(new Set(spans.map((span) => value(span, Attribute.sessionId))).size).toBe(1);
    expect(spans.some((span) => span.spanId === kid?.parentSpanId && span.name === "invoke_agent main")).toBe(true);
    expect(
      requests.every((request) => request.identity !== undefined),
      "the run's scope gives the identity",
    ).toBe(true);
  });

  it("a process that dies in the middle closes what is open", () => {
    const lines = loadFixture(version, "exec-tool");
    const cut = lines.findIndex((line) => line.event?.type === "tool.execution.started");
    const { spans, mapper } = replay(lines.slice(0, cut + 1));
    const closed = mapper.finish(Number(lines[cut]?.event?.ts) + 5);
    expect(closed.map((span) => [span.name, value(span, Attribute.errorType)])).toEqual([
      ["execute_tool exec", "aborted"],
      ["invoke_agent main", "aborted"],
    ]);
    expect(spans.map((span) => span.name)).toEqual(["chat scripted"]);
    expect(mapper.finish(Date.now())).toEqual([]);
  });

  it("content is off by default, and redacted where it is on", () => {
    const off = scenario("exec-tool").spans;
    expect(
      off.every((span) =>
        [Attribute.toolArguments, Attribute.inputMessages, Attribute.outputMessages].every((name) => value(span, name) === undefined),
      ),
    ).toBe(true);
    const lines = loadFixture(version, "exec-tool");
    const secret = `sk-${"a1B2".repeat(8)}`;
    for (const line of lines)
      if (line.name === "before_tool_call") line.event = { ...line.event, params: { command: `curl -H "x: ${secret}"` } };
    const { spans } = replay(lines, { content: true });
    const tool = named(spans, "execute_tool exec");
    expect(value(named(spans, "invoke_agent main"), Attribute.inputMessages)).toContain("please EXEC_IT");
    expect(value(tool, Attribute.toolArguments)).toContain("curl");
    expect(value(tool, Attribute.toolArguments)).not.toContain(secret);
    expect(value(tool, Attribute.toolResult)).toContain("hi-from-exec");
  });

  it("events of another shape, repeated, reversed or from the middle are survived", () => {
    const lines = loadFixture(version, "spawned-sub-agent");
    expect(() => replay(lines.toReversed())).not.toThrow();
    expect(() => replay(lines.slice(60))).not.toThrow();
    const twice = replay(lines.flatMap((line) => [line, line])).spans;
    expect(new Set(twice.map((span) => span.spanId)).size).toBe(replay(lines).spans.length);
    const { mapper } = replay([]);
    for (const odd of [
      undefined,
      null,
      5,
      "text",
      [],
      {},
      { type: 7 },
      { type: "harness.run.started" },
      { type: "model.call.completed", trace: 3 },
      { type: "tool.execution.completed", trace: { spanId: {} } },
    ]) {
      expect(mapper.diagnostic(odd)).toEqual([]);
      for (const hook of [
        "before_tool_call",
        "after_tool_call",
        "subagent_spawned",
        "model_call_started",
        "before_message_write",
      ] as const) {
        expect(() => mapper.hook(hook, odd, odd)).not.toThrow();
      }
    }
  });
});
