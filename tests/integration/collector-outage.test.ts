import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type EmbeddedPostgres, startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { type Json, post, request, span, testCollector, untilReady } from "./collector-support.ts";

const directories: string[] = [];
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
});

async function privatePostgres(): Promise<{ dir: string; port: number; server: EmbeddedPostgres }> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-outage-"));
  fs.chmodSync(dir, 0o755);
  directories.push(dir);
  const port = await freePort();
  return { dir, port, server: await startPostgres({ dir: path.join(dir, "postgres"), port }) };
}

/** Some thousand spans of content, so that a COPY takes a while. */
function batch(number: number, spans: number): Json {
  const attributes = { "session.id": `s${number % 3}`, padding: "x".repeat(2_000) };
  return request(Array.from({ length: spans }, (_, index) => span({ trace: number + 1, id: number * 100_000 + index + 1, attributes })));
}

it("keeps what it acknowledged when Postgres is killed under load, says 503 meanwhile, and goes on by itself", {
  timeout: 120_000,
}, async () => {
  const { dir, port, server } = await privatePostgres();
  let running = server;
  closing.push(() => running.stop());
  const collector = await testCollector(server.url);
  closing.push(() => collector.close());
  await untilReady(collector.url);

  let number = 0;
  const acknowledged: number[] = [];
  const statuses = new Set<number>();
  let loading = true;
  const client = async () => {
    while (loading) {
      const mine = number++;
      // as an exporter does: again and again until it is taken
      for (let status = 0; status !== 200; ) {
        const answer = await post(collector.url, batch(mine, 400));
        status = answer.status;
        statuses.add(status);
        if (status === 503) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      acknowledged.push(mine);
    }
  };
  const clients = [client(), client(), client()];

  for (let round = 0; round < 6; round++) {
    // a different moment of the transaction each time
    await new Promise((resolve) => setTimeout(resolve, 400 + round * 37));
    process.kill(running.pid, "SIGKILL");
    await expect.poll(async () => (await fetch(`${collector.url}/readyz`)).status, { interval: 5 }).toBe(503);
    running = await startPostgres({ dir: path.join(dir, "postgres"), port });
    await untilReady(collector.url);
  }
  loading = false;
  await Promise.all(clients);

  expect(statuses).toEqual(new Set([200, 503]));
  const sql = postgres(running.url, { max: 1 });
  closing.push(() => sql.end());
  const [counted] =
    await sql`select count(*)::int as spans, (select sum(spans)::int from signalbox.sessions) as sessions from signalbox.spans`;
  expect(counted).toEqual({ spans: acknowledged.length * 400, sessions: acknowledged.length * 400 });
});

it("starts without Postgres, says so, and takes spans when it comes", { timeout: 60_000 }, async () => {
  const { dir, port, server } = await privatePostgres();
  await server.stop();
  const collector = await testCollector(server.url);
  closing.push(() => collector.close());
  const ready = await fetch(`${collector.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ reason: expect.stringContaining("Postgres is not reachable") });
  const refused = await post(collector.url, batch(0, 1));
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("2");

  const again = await startPostgres({ dir: path.join(dir, "postgres"), port });
  closing.push(() => again.stop());
  await untilReady(collector.url);
  expect((await post(collector.url, batch(0, 1))).status).toBe(200);
});

it("takes spans as soon as it says that it listens", async () => {
  const { server } = await privatePostgres();
  closing.push(() => server.stop());
  for (let round = 0; round < 3; round++) {
    const collector = await testCollector(server.url);
    closing.push(() => collector.close());
    expect((await post(collector.url, batch(round, 1))).status).toBe(200);
  }
});

it("refuses more than its queue holds while Postgres hangs, and stores what it took when Postgres goes on", {
  timeout: 60_000,
}, async () => {
  const { server } = await privatePostgres();
  closing.push(() => server.stop());
  const collector = await testCollector(server.url, "collector: { queue_spans: 20, writers: 1 }");
  closing.push(() => collector.close());
  await untilReady(collector.url);
  const sql = postgres(server.url, { max: 1 });
  closing.push(() => sql.end());
  const hold = await sql.reserve();
  await hold`begin`;
  await hold`lock table signalbox.spans in access exclusive mode`;

  const posts = Array.from({ length: 8 }, (_, index) => post(collector.url, batch(index, 10)));
  await expect.poll(async () => (await fetch(`${collector.url}/metrics`)).text()).toMatch(/requests_unavailable_total\{.*\} [1-9]/);
  await hold`rollback`;
  hold.release();
  const statuses = (await Promise.all(posts)).map((answer) => answer.status);
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  const [counted] = await sql`select count(*)::int as spans from signalbox.spans`;
  expect(counted?.spans).toBe(10 * statuses.filter((status) => status === 200).length);
});

const MAIN = fileURLToPath(new URL("../../collector-processor/src/main.ts", import.meta.url));

function runMain(environment: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], { env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => {
    log += data;
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return { child, exit, log: () => log };
}

it("as a process: stops on SIGTERM with what it took stored, and exits 98 with one line for a taken port", {
  timeout: 60_000,
}, async () => {
  const { dir, server } = await privatePostgres();
  closing.push(() => server.stop());
  const port = String(await freePort());
  const environment = { DATABASE_URL: server.url, SIGNALBOX_OTLP_PORT: port, SIGNALBOX_OTLP_GRPC_PORT: "0", SIGNALBOX_HOME: dir };
  const first = runMain(environment);
  await untilReady(`http://127.0.0.1:${port}`);
  const second = runMain(environment);
  expect(await second.exit).toBe(98);
  expect(second.log()).toContain(`port ${port} is taken: free it, or set SIGNALBOX_OTLP_PORT`);
  first.child.kill("SIGTERM");
  expect(await first.exit).toBe(0);
  const badConfig = path.join(dir, "bad.yaml");
  fs.writeFileSync(badConfig, "collector: { writers: many }");
  const third = runMain({ ...environment, SIGNALBOX_CONFIG: badConfig });
  expect(await third.exit).toBe(1);
  expect(third.log()).toContain(`${badConfig}: collector.writers:`);
});
