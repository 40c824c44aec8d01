/**
 * Question: are the first-token times that placement predicts those which calls then see, on real llama.cpp pools; and does the
 * simulator, told those pools' measured rates and the same arrivals, come to the same times?
 *
 * Command: npm exec -- node tests/bench/placement-live.ts [--calls 240] [--rate 3] [--seed 1] [--json]
 *
 * Pools: the two of the built-in demo, with models of random weights large enough that a prompt takes the engine longer than the way to it
 * ("cpu" has three times the layers), without the demo's pace, as they measure themselves at start. Load: arrivals at random (Poisson),
 * open loop; a tenth interactive, the others halved into standard and background; prompts of 40 to 2,000 words that share no beginning,
 * replies of at most 24 tokens, each its own session. The first third of the calls is what corrections learn from and is not counted.
 * Read: seen ÷ predicted, 1 is right. `rates alone` is before correction. `covered` is the share of calls that saw their first token no
 * later than the corrected prediction, which asks to be right nine times in ten (confidence 0.9, the default).
 * Simulator: prompts and replies as the engines counted them, the scheduler's own placement code, rates as measured at start; gateway and
 * HTTP are one number a pool, the least tenth of what the first third shows, as other work of the machine only ever adds to it. Calls whose
 * reply is empty have no first token and are left out.
 * Time: calls ÷ rate, and some ten seconds.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type DecisionCandidate, ResponseHeader, type SlaClass } from "@signalbox/otel/conventions";
import OpenAI from "openai";
import { startScheduler } from "../../scheduler/src/app.ts";
import { type Config, demoConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { encodeDemoModel } from "../../scheduler/src/pools/llama-cpp/demo-model.ts";
import { toTarget } from "../../scheduler/src/routing/intent.ts";
import type { Job } from "../../scheduler/src/simulator/engine.ts";
import type { PoolModel } from "../../scheduler/src/simulator/fleet.ts";
import { timingsFromRates } from "../../scheduler/src/simulator/perf-model.ts";
import { POLICIES, type Policy } from "../../scheduler/src/simulator/policies.ts";
import { createRandom } from "../../scheduler/src/simulator/random.ts";
import { simulate } from "../../scheduler/src/simulator/simulate.ts";
import { DEFAULT_TARGETS, type SlaTargets, ttftOf } from "../../scheduler/src/simulator/sla.ts";
import { percentiles } from "../../scheduler/src/simulator/summary.ts";
import { type Arrival, classAt } from "../../scheduler/src/simulator/trace.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "240" },
    rate: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const CALLS = Number(values.calls);
const MIX = { interactive: 0.1, background: 0.45 };
const [SHORTEST, LONGEST] = [40, 2_000];
const MAX_TOKENS = 24;
/** Of random weights, and large enough that its prompts take the engine longer than the way to it. */
const SIZE = { layers: 2, width: 128, heads: 4, feedForward: 256 };
const WORDS = ["train", "cost", "log", "signal", "day", "agent", "tell", "read", "what", "failed"];
/** llama.cpp's default batch. */
const CHUNK_TOKENS = 512;

interface Live {
  name: string;
  silicon: "cpu" | "gpu";
  slots: number;
  hourly_usd: number;
  speed: { prefill_tokens_per_second: number; decode_ms_per_token: number; decode_ms_per_token_full: number };
}

interface Seen extends Arrival {
  pool: string;
  ttftMs: number;
  decision: string;
  predicted?: DecisionCandidate;
}

const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-bench-"));
const config = withRealWork(demoConfig());
await writeFile(path.join(home, "cpu.gguf"), encodeDemoModel({ ...SIZE, layers: 3 * SIZE.layers }));
await writeFile(path.join(home, "gpu.gguf"), encodeDemoModel(SIZE));
const scheduler = await startScheduler({ config, home, token: "bench", otlpEndpoint: "http://127.0.0.1:9", log: createLog(() => {}) });
try {
  const get = async (place: string) => (await fetch(scheduler.url + place, { headers: { authorization: "Bearer bench" } })).json();
  while ((await fetch(`${scheduler.url}/readyz`)).status !== 200) await sleep(100);
  const pools = ((await get("/control/pools")) as { data: Live[] }).data;

  const client = new OpenAI({ baseURL: `${scheduler.url}/v1`, apiKey: "bench", maxRetries: 0 });
  const random = createRandom(Number(values.seed));
  const startedAt = performance.now();
  const pending: Promise<Seen>[] = [];
  for (let index = 0; index < CALLS; index++) {
    await sleep((-Math.log(1 - random()) / Number(values.rate)) * 1000);
    const words = Math.round(SHORTEST * (LONGEST / SHORTEST) ** random());
    const text = Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
    pending.push(ask(client, index, text, performance.now() - startedAt));
  }
  const seen = await Promise.all(pending);
  const decisions = (
    (await get(`/control/decisions?limit=${Math.min(256, CALLS)}`)) as { data: { decision_id: string; candidates: DecisionCandidate[] }[] }
  ).data;
  const candidates = new Map(decisions.map(({ decision_id, candidates }) => [decision_id, candidates.find(({ chosen }) => chosen)]));
  for (const call of seen) {
    const predicted = candidates.get(call.decision);
    if (predicted) call.predicted = predicted;
  }
  report(pools, seen);
} finally {
  await scheduler.close();
  await rm(home, { recursive: true, force: true });
}

/** The demo's pools with models of their own, and without its pace: that is a sleep between the tokens of each call, not work of an engine. */
function withRealWork(demo: Config): Config {
  const pools = demo.pools.map((pool) => {
    if (pool.engine !== "llama-cpp") return pool;
    const { demo_pace_ms, ...others } = pool;
    return { ...others, model: path.join(home, `${pool.silicon}.gguf`) };
  });
  return { ...demo, pools };
}

async function ask(client: OpenAI, index: number, content: string, atMs: number): Promise<Seen> {
  const slaClass = classAt(index, MIX, Number(values.seed));
  const sentAt = performance.now();
  const { data, response } = await client.chat.completions
    .create(
      {
        model: "auto",
        messages: [{ role: "user", content }],
        max_tokens: MAX_TOKENS,
        seed: index,
        stream: true,
        stream_options: { include_usage: true },
      },
      { headers: { "x-signalbox-session": `bench-${index}`, "x-signalbox-sla": slaClass } },
    )
    .withResponse();
  let ttftMs = 0;
  let [promptTokens, outputTokens] = [0, 0];
  for await (const chunk of data) {
    if (chunk.choices[0]?.delta.content) ttftMs ||= performance.now() - sentAt;
    if (chunk.usage) [promptTokens, outputTokens] = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens];
  }
  const header = (name: string) => response.headers.get(name) ?? "";
  return {
    ...{ atMs, promptTokens, outputTokens, slaClass, minTier: 0, ttftMs },
    pool: header(ResponseHeader.pool),
    decision: header(ResponseHeader.decision),
  };
}

function report(pools: readonly Live[], all: readonly Seen[]): void {
  const counted = all.slice(Math.floor(all.length / 3));
  console.log("pool            calls   seen TTFT p50/p95 ms   seen ÷ rates alone p10/p50/p90   seen ÷ corrected p50   covered");
  const rows: object[] = [];
  for (const { name } of [...pools, { name: "all" }]) {
    const own = counted.filter(({ pool, predicted }) => predicted && (name === "all" || pool === name));
    const ratio = (part: "ttft_ms" | "ttft_uncorrected_ms") =>
      own.map(({ ttftMs, predicted }) => ttftMs / (predicted?.[part] ?? Number.NaN));
    const alone = ratio("ttft_uncorrected_ms").sort((a, b) => a - b);
    const corrected = ratio("ttft_ms");
    const at = (share: number) => alone[Math.floor(share * alone.length)] ?? Number.NaN;
    const covered = corrected.filter((value) => value <= 1).length / corrected.length;
    const { p50, p95 } = percentiles(own.map(({ ttftMs }) => ttftMs));
    rows.push({ name, calls: own.length, p50, p95, alone: [at(0.1), at(0.5), at(0.9)], corrected: percentiles(corrected).p50, covered });
    console.log(
      `${name.padEnd(14)}${String(own.length).padStart(7)}${`${p50.toFixed(0)} / ${p95.toFixed(0)}`.padStart(23)}${[
        at(0.1),
        at(0.5),
        at(0.9),
      ]
        .map((value) => value.toFixed(2))
        .join(" / ")
        .padStart(33)}${percentiles(corrected).p50.toFixed(2).padStart(23)}${covered.toFixed(2).padStart(10)}`,
    );
  }

  const targets = { ...DEFAULT_TARGETS, ...targetsOf() } as SlaTargets;
  const arrivals = [...all].sort((a, b) => a.atMs - b.atMs);
  const learnedFrom = Math.floor(all.length / 3);
  const play = (overheads: readonly number[], policy: Policy) => {
    const fleet = pools.map((pool, index) => ({ ...toModel(pool), overheadMs: overheads[index] ?? 0 }));
    return simulate({ fleet, arrivals, targets, policy, seed: 1 }).jobs;
  };
  const whereSeen = (): Policy => {
    let next = 0;
    return () => {
      const { pool } = arrivals[next++] as Seen;
      return pools.findIndex(({ name }) => name === pool);
    };
  };
  const bare = play([], whereSeen());
  const overheads = pools.map(({ name }) => {
    const own = arrivals
      .slice(0, learnedFrom)
      .flatMap((call, index) => (call.pool === name && call.ttftMs > 0 ? [call.ttftMs - ttftOf(bare[index] as Job)] : []));
    return Math.max(0, own.sort((a, b) => a - b)[Math.floor(own.length / 10)] ?? 0);
  });
  console.log(
    `\nthe way to the engine and back, from the first third: ${pools.map(({ name }, index) => `${name} ${overheads[index]?.toFixed(1)} ms`).join(", ")}`,
  );
  const placed = play(overheads, POLICIES.signalbox());
  for (const [what, jobs] of [
    ["pools as seen", play(overheads, whereSeen())],
    ["pools as placed", placed],
  ] as const) {
    console.log(
      `\n${what.padEnd(17)}calls   seen TTFT p50/p95 ms   simulated p50/p95 ms   simulated ÷ seen, p50 and p95   call by call, p10/p50/p90`,
    );
    for (const name of [...Object.keys(targets), "all"] as (SlaClass | "all")[]) {
      const own = arrivals.flatMap((call, index) =>
        index >= learnedFrom && call.ttftMs > 0 && (name === "all" || call.slaClass === name) ? [{ call, job: jobs[index] as Job }] : [],
      );
      const live = percentiles(own.map(({ call }) => call.ttftMs));
      const played = percentiles(own.map(({ job }) => ttftOf(job)));
      const ratios = own.map(({ call, job }) => ttftOf(job) / call.ttftMs).sort((a, b) => a - b);
      const at = (share: number) => (ratios[Math.floor(share * ratios.length)] ?? Number.NaN).toFixed(2);
      const cell = ({ p50, p95 }: typeof live) => `${p50.toFixed(0)} / ${p95.toFixed(0)}`.padStart(23);
      const both = `${(played.p50 / live.p50).toFixed(2)}, ${(played.p95 / live.p95).toFixed(2)}`;
      rows.push({ what, name, live, played });
      console.log(
        `${name.padEnd(17)}${String(own.length).padStart(5)}${cell(live)}${cell(played)}${both.padStart(32)}${`${at(0.1)} / ${at(0.5)} / ${at(0.9)}`.padStart(28)}`,
      );
    }
  }
  const shareOf = (on: (index: number) => boolean) =>
    arrivals.filter((_, index) => index >= learnedFrom && on(index)).length / (arrivals.length - learnedFrom);
  const shares = pools.map(
    ({ name }, pool) =>
      `${name} ${shareOf((index) => arrivals[index]?.pool === name).toFixed(2)} / ${shareOf((index) => placed[index]?.pool === pool).toFixed(2)}`,
  );
  console.log(`\nshare of calls, seen / simulated: ${shares.join(", ")}`);
  if (values.json) console.log(JSON.stringify({ pools, rows }));
}

function targetsOf(): Partial<SlaTargets> {
  const { sla } = config;
  return Object.fromEntries(Object.entries(sla).flatMap(([name, target]) => (target ? [[name, toTarget(name as SlaClass, target)]] : [])));
}

function toModel({ name, silicon, slots, hourly_usd, speed }: Live): PoolModel {
  return {
    name,
    model: "signalbox-demo",
    silicon,
    tier: 0,
    slots,
    queueLimit: 4 * slots,
    contextTokens: undefined,
    chunkTokens: CHUNK_TOKENS,
    pricing: { by: "time", hourlyUsd: hourly_usd },
    timings: timingsFromRates({
      prefillTokensPerSecond: speed.prefill_tokens_per_second,
      decodeMsPerToken: speed.decode_ms_per_token,
      decodeMsPerTokenFull: speed.decode_ms_per_token_full,
      slots,
    }),
  };
}
