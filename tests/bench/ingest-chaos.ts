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
import postgres from "postgres";
import { chaosRounds, killablePostgres } from "../integration/collector-chaos.ts";

const [rounds = 100, collectors = 1] = process.argv.slice(2).map(Number);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-chaos-"));
fs.chmodSync(dir, 0o755);
const server = await killablePostgres(path.join(dir, "postgres"));
const sql = postgres(server.url, { max: 1, onnotice: () => {} });

try {
  const result = await chaosRounds({
    databaseUrl: server.url,
    sql,
    home: dir,
    rounds,
    collectors,
    victims: ["collector", "postgres", "both"],
    restartPostgres: server.restart,
    log: console.log,
  });
  console.log(result);
  if (result.lost > 0 || result.doubled > 0 || !result.rollupsEqual || result.wrongMessages > 0) process.exitCode = 1;
  fs.rmSync(dir, { recursive: true, force: true });
} catch (error) {
  console.error(`the logs of that run are in ${dir}`);
  throw error;
} finally {
  await sql.end();
  await server.stop();
}
