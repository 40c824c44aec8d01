/**
 * Question: how much CPU does the OpenClaw plugin take from the agent's process for one span, from the host's event to the span in the
 * export queue, and how does that compare with JSON.stringify of the same events? The collector is away, as in the worst case.
 *
 * Command: npm exec -- node tests/bench/plugin.ts [rounds, default 40] [turns a round, default 500]
 */
import { readConfig } from "../../plugins/openclaw/src/config.ts";
import { createPlugin } from "../../plugins/openclaw/src/plugin.ts";

const [rounds = 40, turns = 500] = process.argv.slice(2).map(Number);
const SPANS_PER_TURN = 2;
const { plugin, provider } = createPlugin(readConfig({ otlpEndpoint: "http://127.0.0.1:9", schedulerUrl: "http://127.0.0.1:9" }));

function turn(n: number) {
  const trace = (id: number, parent?: number) => ({
    traceId: "a".repeat(32),
    spanId: id.toString(16).padStart(16, "0"),
    ...(parent !== undefined && { parentSpanId: parent.toString(16).padStart(16, "0") }),
  });
  const [harness, run, call] = [n * 4 + 1, n * 4 + 2, n * 4 + 3];
  const facts = { sessionKey: "agent:main:main", sessionId: "3d1c9e4a-0000-4000-8000-000000000000", runId: `run-${n}` };
  const model = { provider: "signalbox", model: "auto" };
  return [
    { type: "harness.run.started", ts: 1, trace: trace(harness), ...facts },
    { type: "run.started", ts: 1, trace: trace(run, harness), ...facts },
    { type: "model.call.started", ts: 2, ...model, trace: trace(call, run), ...facts },
    { type: "model.call.completed", ts: 3, ...model, usage: { input: 1, output: 1 }, trace: trace(call, run), ...facts },
    { type: "harness.run.completed", ts: 4, outcome: "completed", trace: trace(harness), ...facts },
  ];
}

function cpuMicros(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

const perSpan: number[] = [];
const ratios: number[] = [];
for (let round = 0; round < rounds; round++) {
  const events = Array.from({ length: turns }, (_, n) => turn(round * turns + n)).flat();
  const watched = cpuMicros(() => {
    for (const event of events) plugin.diagnostic(event);
  });
  const stringified = cpuMicros(() => {
    for (const event of events) JSON.stringify(event);
  });
  perSpan.push(watched / (turns * SPANS_PER_TURN));
  ratios.push(watched / stringified);
}
const { queued, dropped } = provider.stats();
await plugin.stop();
if (queued + dropped !== rounds * turns * SPANS_PER_TURN) throw new Error(`${queued} queued + ${dropped} dropped is not every span`);

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
console.log(`CPU per span: median ${median(perSpan).toFixed(1)} µs, best ${Math.min(...perSpan).toFixed(1)} µs`);
console.log(`÷ JSON.stringify of the same events: median ${median(ratios).toFixed(2)}`);
