/**
 * Question: does any spoiled OTLP body crash or hang the collector's decoders and stages, or read otherwise than protobufjs reads it?
 *
 * Command: npm exec -- node tests/fuzz/otlp.ts [cases] [seed] [first]     (1,000,000 1 0)
 * A failure names its case: run it alone with cases 1 and that number as first.
 */
import { parentPort, Worker, workerData } from "node:worker_threads";
import { runCases, samples, type Tally } from "./otlp-cases.ts";

const STUCK_MS = 30_000;
const SLICE = 10_000;

if (parentPort === null) watch(Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 1), Number(process.argv[4] ?? 0));
else await work(workerData);

interface Work {
  cases: number;
  seed: number;
  first: number;
  /** The case that runs now, for the watcher. */
  current: Int32Array;
}

async function work({ cases, seed, first, current }: Work): Promise<void> {
  const all = samples();
  for (let done = 0; done < cases; done += SLICE) {
    const count = Math.min(SLICE, cases - done);
    parentPort?.postMessage(await runCases(seed, first + done, count, all, (number) => Atomics.store(current, 0, number)));
  }
}

/** The cases run in a thread of their own, so that one that never ends is seen. */
function watch(cases: number, seed: number, first: number): void {
  const current = new Int32Array(new SharedArrayBuffer(4));
  const total: Tally = { cases: 0, read: 0, refused: 0, compared: 0, slowestMs: 0 };
  const started = performance.now();
  const worker = new Worker(new URL(import.meta.url), { workerData: { cases, seed, first, current } });
  let last = -1;
  const timer = setInterval(() => {
    if (current[0] === last) fail(`case ${last} of seed ${seed} does not end`);
    last = current[0] as number;
  }, STUCK_MS);
  worker.on("message", (tally: Tally) => {
    for (const name of ["cases", "read", "refused", "compared"] as const) total[name] += tally[name];
    total.slowestMs = Math.max(total.slowestMs, tally.slowestMs);
  });
  worker.on("error", (error) => fail(error.message));
  worker.on("exit", () => {
    clearInterval(timer);
    console.log({ seed, first, ...total, seconds: Math.round((performance.now() - started) / 1000) });
  });

  function fail(message: string): void {
    console.error(message);
    process.exit(1);
  }
}
