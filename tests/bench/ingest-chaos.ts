/**
 * Question: does a collector lose or double a span that it acknowledged when it, or Postgres, or both are killed with SIGKILL at chance
 * moments under load, while clients send again what was not answered, and some of what was, in another order? And are its rollups then
 * those of a recount from the spans, and every span's messages there? Collectors are processes of their own with their defaults, the log
 * on disk included, and all write into one database; durable Postgres settings.
 *
 * Command: npm exec -- node tests/bench/ingest-chaos.ts [kills, default 100] [collectors, default 1]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { chaosRounds } from "../integration/collector-chaos.ts";
import { freePort } from "../support/free-port.ts";

const [rounds = 100, collectors = 1] = process.argv.slice(2).map(Number);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-chaos-"));
fs.chmodSync(dir, 0o755);
const place = { dir: path.join(dir, "postgres"), port: await freePort() };
let server = await startPostgres(place);
const sql = postgres(server.url, { max: 1, onnotice: () => {} });

async function restartPostgres(whileDown: () => Promise<void>): Promise<void> {
  process.kill(server.pid, "SIGKILL");
  await whileDown();
  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    try {
      server = await startPostgres(place);
      return;
    } catch (error) {
      // while a process of the one that was killed still ends, its memory is taken
      if (Date.now() > deadline) throw error;
    }
  }
}

try {
  const result = await chaosRounds({
    databaseUrl: server.url,
    sql,
    home: dir,
    rounds,
    collectors,
    victims: ["collector", "postgres", "both"],
    restartPostgres,
    log: console.log,
  });
  console.log(result);
  if (result.lost > 0 || result.doubled > 0 || !result.rollupsEqual || result.wrongMessages > 0) process.exitCode = 1;
} finally {
  await sql.end();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.rmSync(server.dir, { recursive: true, force: true });
}
