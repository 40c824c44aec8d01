/**
 * Question: how long after the request with the span that crosses a rule does the notification arrive at a webhook on the same machine?
 * One session after another crosses "$5 a session" and "> 10 sub-agents in 60 s", on a collector with its write-ahead log.
 *
 * Command: npm exec -- node tests/bench/alert-latency.ts [sessions, default 30]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { startPostgres } from "@signalbox/local/postgres";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { TOKEN } from "../integration/admission-support.ts";
import { call, change, eventually, sendNow, spawned } from "../integration/alerting-support.ts";
import { untilReady } from "../integration/collector-support.ts";
import { freePort } from "../support/free-port.ts";
import { otlpSink } from "../support/otlp-sink.ts";

const sessions = Number(process.argv[2] ?? 30);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-alert-latency-"));
fs.chmodSync(dir, 0o777);
const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort() });
const config = parseConfig("collector: { alerting: { group_seconds: 0 } }", "bench", { SIGNALBOX_TOKEN: TOKEN });
const collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl: server.url, config, walDir: path.join(dir, "wal") });
const sink = await otlpSink();
try {
  await untilReady(collector.url);
  const target = { kind: "webhook", url: sink.url };
  const { channel_id } = await change(collector.url, "channels", { name: "bench", target });
  const actions = [{ do: "notify", channel_id }];
  const rules = {
    "$5 a session": { kind: "session_cost", threshold: 5 },
    "> 10 sub-agents in 60 s": { kind: "sub_agents", threshold: 10, window_seconds: 60 },
  };
  for (const [name, condition] of Object.entries(rules)) await change(collector.url, "rules", { name, condition, actions });
  for (const name of Object.keys(rules)) {
    const took: number[] = [];
    for (let index = 0; index < sessions; index++) {
      const session = `${name} ${index}`;
      const before = sink.requests.length;
      const spans = name.startsWith("$")
        ? [call(session, 6)]
        : Array.from({ length: 11 }, (_, agent) => spawned(session, `${session} ${agent}`));
      const sent = performance.now();
      await sendNow(collector.url, spans);
      const told = await eventually(() => sink.requests[before], "the notification", 30);
      took.push(told.at - sent);
    }
    took.sort((a, b) => a - b);
    const at = (share: number) => Math.round(took[Math.min(took.length - 1, Math.floor(share * took.length))] as number);
    console.log(`${name.padEnd(26)} ms: median ${at(0.5)}, p95 ${at(0.95)}, most ${at(1)}; ${took.length} sessions`);
  }
} finally {
  await collector.close();
  await sink.close();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.rmSync(server.dir, { recursive: true, force: true });
}
