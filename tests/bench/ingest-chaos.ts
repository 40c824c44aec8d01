/**
 * Question: does the collector lose or double a span that it acknowledged when it is killed with SIGKILL at chance moments under load,
 * while clients send again what was not answered, and some of what was? And are its rollups then those of a recount from the spans?
 * The collector is a process of its own with its defaults, the log on disk included; durable Postgres settings.
 *
 * Command: npm exec -- node tests/bench/ingest-chaos.ts [kills, default 100]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { chaosRounds } from "../integration/collector-chaos.ts";
import { freePort } from "../support/free-port.ts";

const rounds = Number(process.argv[2] ?? 100);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-chaos-"));
fs.chmodSync(dir, 0o755);
const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort() });
const sql = postgres(server.url, { max: 1, onnotice: () => {} });
try {
  const result = await chaosRounds({ databaseUrl: server.url, sql, home: dir, rounds, log: console.log });
  console.log(result);
  if (result.lost > 0 || result.doubled > 0 || !result.rollupsEqual) process.exitCode = 1;
} finally {
  await sql.end();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.rmSync(server.dir, { recursive: true, force: true });
}
