/**
 * Question: how much does the OpenClaw plugin's process grow while the collector is away, by the clock, and an agent goes on working?
 * Heap and what it keeps outside of it, after a collection of garbage, against the same before.
 *
 * Command: npm exec -- node --expose-gc tests/bench/plugin-memory.ts [minutes, default 10] [turns a second, default 50]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../plugins/openclaw/src/config.ts";
import { createPlugin } from "../../plugins/openclaw/src/plugin.ts";

const [minutes = 10, turnsPerSecond = 50] = process.argv.slice(2).map(Number);
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) throw new Error("run it with node --expose-gc");

const { plugin, provider } = createPlugin(
  readConfig({ otlpEndpoint: "http://127.0.0.1:9", schedulerUrl: "http://127.0.0.1:9", content: true }),
);

const id = (n: number) => n.toString(16).padStart(16, "0");
let next = 0;
/** A turn in a session of its own: a call, a tool call with content, a call. */
function playTurn(): void {
  const [harness, first, tool, second] = [id(++next), id(++next), id(++next), id(++next)];
  const traceId = harness.padStart(32, "a");
  const trace = (spanId: string, parentSpanId?: string) => ({ traceId, spanId, parentSpanId });
  const facts = { sessionKey: `agent:main:telegram:direct:${harness}`, sessionId: `session-${harness}`, runId: `run-${harness}` };
  const model = { provider: "signalbox", model: "auto" };
  const toolCall = { toolName: "exec", toolCallId: `call-${harness}` };
  const ts = Date.now();
  plugin.diagnostic({ type: "harness.run.started", ts, trace: trace(harness), ...facts });
  for (const call of [first, second]) {
    plugin.hook("model_call_started", { ...model, ...facts }, { trace: trace(call, harness), ...facts });
    plugin.hook("before_message_write", { message: { role: "assistant", content: [{ type: "text", text: "x".repeat(2_000) }] } }, facts);
    plugin.diagnostic({
      type: "model.call.completed",
      ts,
      ...model,
      usage: { input: 900, output: 100 },
      trace: trace(call, harness),
      ...facts,
    });
  }
  plugin.hook("before_tool_call", { ...toolCall, runId: facts.runId, params: { command: "y".repeat(500) } }, facts);
  plugin.diagnostic({ type: "tool.execution.started", ts, ...toolCall, trace: trace(tool, harness), ...facts });
  plugin.hook("after_tool_call", { ...toolCall, runId: facts.runId, params: {}, result: { content: "z".repeat(2_000) } }, facts);
  plugin.diagnostic({ type: "tool.execution.completed", ts, ...toolCall, trace: trace(tool, harness), ...facts });
  plugin.diagnostic({ type: "harness.run.completed", ts, outcome: "completed", trace: trace(harness), ...facts });
}

const held = () => {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

// Code is compiled, and one span has been tried in vain.
for (let n = 0; n < 20; n++) playTurn();
await sleep(2_000);
const before = held();
let most = 0;
const start = performance.now();
for (let second = 1; second <= minutes * 60; second++) {
  for (let n = 0; n < turnsPerSecond; n++) playTurn();
  await sleep(Math.max(0, start + second * 1_000 - performance.now()));
  if (second % 5 === 0) most = Math.max(most, held() - before);
}
const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(2);
const { queued, dropped } = provider.stats();
console.log(
  `${((performance.now() - start) / 60_000).toFixed(1)} minutes, ${minutes * 60 * turnsPerSecond} turns: ` +
    `${mebibytes(held() - before)} MiB more at the end, ${mebibytes(most)} MiB at most; ${queued} spans queued, ${dropped} dropped`,
);
await plugin.stop();
