/**
 * Question: what does a session's move between two llama.cpp pools save? Tokens evaluated again ÷ prompt, time of the turn after a move
 * against the same turn evaluated from nothing, and the milliseconds of writing out, handing over and loading. Greedy replies must be equal.
 * Target: evaluated again ≤ 0.1 of the prompt, at every size; replies identical.
 *
 * Command: npm exec -- node tests/bench/mobility.ts [rounds]
 */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Attribute } from "@signalbox/otel/conventions";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { type SeenSpan, startSpanSink } from "../integration/scheduler-support.ts";

const rounds = Number(process.argv[2] ?? 5);
const WORDS = [400, 1_500, 6_000, 24_000];
const pool = (name: string) =>
  `{ name: ${name}, silicon: cpu, engine: llama-cpp, model: demo, models: [{ id: ${name} }], slots: 2, threads: 1, context_tokens: 32768 }`;

const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-mobility-"));
const sink = await startSpanSink();
const scheduler = await startScheduler({
  config: parseConfig(`pools: [${pool("a")}, ${pool("b")}]`, "bench", {}),
  home,
  otlpEndpoint: sink.url,
  log: createLog(() => {}),
});
while ((await fetch(`${scheduler.url}/readyz`)).status !== 200) await sleep(50);

interface Message {
  role: string;
  content: string;
}
interface Completion {
  choices: [{ message: { content: string } }];
  usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
}

async function turn(model: string, session: string, messages: Message[]) {
  const startedAt = performance.now();
  const response = await fetch(`${scheduler.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-signalbox-session": session },
    body: JSON.stringify({ model, messages, temperature: 0, max_tokens: 8 }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { choices, usage } = (await response.json()) as Completion;
  const { content } = choices[0].message;
  return {
    ms: performance.now() - startedAt,
    content,
    prompt: usage.prompt_tokens,
    evaluated: usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens,
    next: [...messages, { role: "assistant", content }, { role: "user", content: "and then tell why" }],
  };
}

const median = (values: number[]) => [...values].sort((x, y) => x - y)[values.length >> 1] as number;
/** Workers are asked for their moves once a second. */
async function migration(session: string, is: (span: SeenSpan) => boolean): Promise<SeenSpan> {
  for (let tries = 0; tries < 500; tries++) {
    const found = sink.spans.find((span) => span.attributes[Attribute.sessionId] === session && span.name === "migrate b" && is(span));
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`no such move of ${session} was recorded`);
}

interface Row {
  prompt: number;
  share: number;
  same: boolean;
  movedMs: number;
  freshMs: number;
  handedMs: number;
  loadMs: number;
  bytes: number;
}

console.log(
  "prompt tokens | evaluated again ÷ prompt | identical | turn moved ms | turn from nothing ms | saved to file + handed over ms | load ms | state MB",
);
for (const words of WORDS) {
  const rows: Row[] = [];
  for (let round = 0; round < rounds; round++) {
    const opening = [{ role: "user", content: `${words}-${round} ${"read the log of the last day ".repeat(words / 7)}` }];
    const session = `move-${words}-${round}`;
    const first = await turn("a", session, opening);
    const moved = await turn("b", session, first.next);
    // The same on a pool that has seen nothing of it: the session's state is on b, and this is another session.
    const fresh = await turn("a", `fresh-${words}-${round}`, [{ role: "user", content: `fresh ${first.next[0]?.content}` }]);
    const stay = `stay-${words}-${round}`;
    const stayed = await turn("a", stay, (await turn("a", stay, opening)).next);
    const handed = await migration(session, (span) => span.attributes[Attribute.migrationReason] === "placement");
    const loaded = await migration(session, (span) => span.attributes[Attribute.migrationToTier] === "live");
    rows.push({
      prompt: moved.prompt,
      share: moved.evaluated / moved.prompt,
      same: moved.content === stayed.content,
      movedMs: moved.ms,
      freshMs: fresh.ms,
      handedMs: handed.endMs - handed.startMs,
      loadMs: loaded.endMs - loaded.startMs,
      bytes: Number(handed.attributes[Attribute.migrationBytes]),
    });
  }
  const of = (read: (row: Row) => number) => median(rows.map(read));
  console.log(
    [
      of((row) => row.prompt),
      of((row) => row.share).toFixed(4),
      `${rows.filter((row) => row.same).length} of ${rows.length}`,
      of((row) => row.movedMs).toFixed(0),
      of((row) => row.freshMs).toFixed(0),
      of((row) => row.handedMs).toFixed(1),
      of((row) => row.loadMs).toFixed(1),
      (of((row) => row.bytes) / 1e6).toFixed(2),
    ].join(" | "),
  );
}
await scheduler.close();
await sink.close();
await rm(home, { recursive: true });
