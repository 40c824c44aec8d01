import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Attribute, Operation, RequestHeader } from "@signalbox/otel/conventions";
import { type OtlpSink, startOtlpSink } from "@signalbox/otel/testing/otlp-sink";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readConfig } from "./config.ts";
import { activePlugin, claimPlugin, createPlugin, releasePlugin, sharedPlugin } from "./plugin.ts";

let sink: OtlpSink;
let scheduler: Server;
let requests: IncomingMessage[];
let schedulerUrl: string;

beforeEach(async () => {
  sink = await startOtlpSink();
  requests = [];
  scheduler = createServer((request, response) => {
    requests.push(request);
    response
      .setHeader("x-signalbox-pool", "epyc-a")
      .setHeader("x-signalbox-silicon", "cpu")
      .setHeader("x-signalbox-route", "default")
      .end("{}");
  });
  await new Promise<void>((resolve) => scheduler.listen(0, "127.0.0.1", resolve));
  schedulerUrl = `http://127.0.0.1:${(scheduler.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await activePlugin()?.stop();
  delete (globalThis as Record<symbol, unknown>)[Symbol.for("signalbox")];
  scheduler.closeAllConnections();
  scheduler.close();
  await sink.close();
});

const config = (more: object = {}) => readConfig({ otlpEndpoint: sink.url, schedulerUrl, ...more });
const trace = (spanId: string, parentSpanId?: string) => ({
  traceId: "a".repeat(32),
  spanId: spanId.padStart(16, "0"),
  parentSpanId: parentSpanId?.padStart(16, "0"),
});
const RUN = {
  runId: "run-1",
  sessionKey: "agent:main:telegram:direct:5",
  sessionId: "5e551014-0000-4000-8000-000000000001",
  trigger: "user",
};

it("a turn through a real request: headers to the scheduler only, its answer's headers on the call's span, all of it in the collector", async () => {
  const { plugin } = createPlugin(config());
  const now = Date.now();
  plugin.diagnostic({ type: "harness.run.started", ts: now, trace: trace("1"), ...RUN });
  plugin.diagnostic({ type: "run.started", ts: now, trace: trace("2", "1"), ...RUN });
  plugin.hook("model_call_started", { ...RUN, provider: "signalbox", model: "auto" }, { trace: trace("3", "2") });
  const headers = { traceparent: `00-${"a".repeat(32)}-${"3".padStart(16, "0")}-01` };
  await (await fetch(`${schedulerUrl}/v1/chat/completions`, { method: "POST", body: "{}", headers })).text();
  // Another origin, the same server: `localhost` is not what the config names.
  await (await fetch(schedulerUrl.replace("127.0.0.1", "localhost"), { headers }).catch(() => new Response())).text();
  plugin.diagnostic({
    type: "model.call.completed",
    ts: now + 10,
    durationMs: 9,
    provider: "signalbox",
    model: "auto",
    usage: { input: 7, output: 2, promptTokens: 9 },
    trace: trace("3", "2"),
    ...RUN,
  });
  plugin.diagnostic({ type: "harness.run.completed", ts: now + 11, outcome: "completed", trace: trace("1"), ...RUN });

  expect(requests[0]?.headers).toMatchObject({
    [RequestHeader.session]: RUN.sessionId,
    [RequestHeader.agent]: RUN.sessionId,
    [RequestHeader.agentName]: "main",
    [RequestHeader.agentKind]: "openclaw",
    [RequestHeader.turn]: "run-1",
    [RequestHeader.channel]: "telegram",
    [RequestHeader.sla]: "interactive",
  });
  for (const other of requests.slice(1)) expect(Object.keys(other.headers).filter((name) => name.startsWith("x-signalbox"))).toEqual([]);

  const spans = await sink.received(2);
  const chat = spans.find((span) => span.attributes[Attribute.operation] === Operation.chat);
  expect(chat).toMatchObject({ spanId: "3".padStart(16, "0"), parentSpanId: "1".padStart(16, "0"), kind: 3 });
  expect(chat?.attributes).toMatchObject({
    [Attribute.routed]: true,
    [Attribute.pool]: "epyc-a",
    [Attribute.silicon]: "cpu",
    [Attribute.route]: "default",
    [Attribute.inputTokens]: 9,
  });
  expect(chat?.attributes).not.toHaveProperty([Attribute.costUsd]);
  await plugin.stop();
});

it("what models write in a sub-agent's label cannot break a header", async () => {
  const { plugin } = createPlugin(config());
  plugin.diagnostic({ type: "harness.run.started", ts: 1, trace: trace("1"), ...RUN });
  plugin.hook(
    "subagent_spawned",
    { childSessionKey: "agent:main:subagent:x", label: "kid\r\nx-evil: 1 ☃" },
    { requesterSessionKey: RUN.sessionKey },
  );
  const child = { runId: "run-2", sessionKey: "agent:main:subagent:x", sessionId: "y" };
  plugin.diagnostic({ type: "harness.run.started", ts: 2, trace: trace("4", "1"), ...child });
  plugin.hook("model_call_started", { ...child, provider: "signalbox", model: "auto" }, { trace: trace("5", "4") });
  const traceparent = `00-${"a".repeat(32)}-${"5".padStart(16, "0")}-01`;
  await (await fetch(schedulerUrl, { headers: { traceparent } })).text();
  expect(requests[0]?.headers).toMatchObject({ [RequestHeader.agentName]: "kid_x-evil:_1_", [RequestHeader.parentAgent]: RUN.sessionId });
  expect(requests[0]?.headers).not.toHaveProperty("x-evil");
  await plugin.stop();
});

it("registered several times it is one plugin, with one subscription", async () => {
  let listeners = 0;
  const subscribe = () => {
    listeners++;
    return () => void listeners--;
  };
  for (let i = 0; i < 3; i++) sharedPlugin(config(), () => false).listen(subscribe);
  expect(listeners).toBe(1);
  const before = activePlugin();
  expect(sharedPlugin(config(), () => false)).toBe(before);

  sharedPlugin(config({ content: true }), () => false).listen(subscribe);
  expect(activePlugin()).not.toBe(before);
  expect(listeners).toBe(1);
});

it("stops when its last instance is unloaded, not when an older one is", async () => {
  const [older, newer] = [{}, {}];
  sharedPlugin(config(), () => false);
  claimPlugin(older);
  claimPlugin(newer);
  await releasePlugin(older);
  expect(activePlugin()).toBeDefined();
  await releasePlugin(newer);
  expect(activePlugin()).toBeUndefined();
  expect(() => activePlugin()?.diagnostic({})).not.toThrow();
});

it("never throws into the host, whatever it is given", () => {
  const { plugin } = createPlugin(config());
  const trap = new Proxy(
    {},
    {
      get: () => {
        throw new Error("trap");
      },
    },
  );
  expect(() => plugin.diagnostic(trap)).not.toThrow();
  expect(() => plugin.hook("before_tool_call", trap, trap)).not.toThrow();
  void plugin.stop();
});
