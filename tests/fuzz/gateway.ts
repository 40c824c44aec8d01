/**
 * Question: does any spoiled request, or any spoiled reply of an engine, crash the gateway, hang a call, or leave a slot, a reservation or a
 * decision behind?
 *
 * Command: npm exec -- node tests/fuzz/gateway.ts [cases] [seed] [first]     (100,000 1 0)
 * A failure names its case: run it alone with cases 1 and that number as first.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import { freePort } from "../support/free-port.ts";
import { runGatewayCases } from "./gateway-cases.ts";

const [cases = 100_000, seed = 1, first = 0] = process.argv.slice(2).map(Number);
const SLICE = 10_000;

const dir = await mkdtemp(path.join(os.tmpdir(), "signalbox-fuzz-"));
await chmod(dir, 0o755);
const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort() });
const begun = performance.now();
try {
  await migrate(server.url);
  for (let done = 0; done < cases; done += SLICE) {
    const tally = await runGatewayCases({ cases: Math.min(SLICE, cases - done), seed, first: first + done, databaseUrl: server.url });
    console.log({ seed, first: first + done, ...tally, seconds: Math.round((performance.now() - begun) / 1000) });
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await server.stop();
  for (const folder of [dir, server.dir]) await rm(folder, { recursive: true, force: true });
}
