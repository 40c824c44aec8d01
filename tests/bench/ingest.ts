/**
 * Question: how many spans a second go from OTLP/protobuf over HTTP to committed rows, with sessions, agents, aliases and rollups,
 * against a bare server-side COPY FROM of the very same rows into the very same tables, with their indexes: spans, and where there are any
 * messages and span_messages? The base is COPY's default format, text; the binary format is stated beside it.
 *
 * COPY reads the rows from a file in memory, into the same day's partition with all its indexes and constraints, in the order that they
 * were stored in, one statement and one commit for a round, which waits for the disk. It takes nothing in, keeps no log and counts nothing,
 * and has a core for itself. Both begin with empty tables and a checkpoint, under the same durable settings (fsync on).
 *
 * The collector is a process of its own with its defaults; requests, made ahead, come from this process, a few at a time. A round takes
 * from the first request until all rows are there to be read. At its beginning and end one of the two cores waits, 0.2 to 0.3 s, so a round
 * of small requests should be of 300,000 spans. Rounds interleaved, medians, and the ratio of each round's pair. CPU a span says what a
 * busy machine hides.
 *
 * Command: npm exec -- node tests/bench/ingest.ts [spans a request, default 5000] [spans a round, default 300000] [rounds, default 3] [writers, default 2] [content, a number of `Content`, default 0: none] [wal: on or off, default on] [alert rules that are evaluated meanwhile, default 0]
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import { freePort } from "../support/free-port.ts";
import { ROLLUP_TABLES } from "../support/rollup-tables.ts";
import { cpuMilliseconds } from "./cpu-time.ts";
import { agentBatch } from "./ingest-load.ts";
import { OtlpClient, otlpRequest } from "./otlp-client.ts";

const [requestSpans = 5_000, roundSpans = 300_000, rounds = 3, writers = 2, content = 0] = process.argv.slice(2, 7).map(Number);
const wal = process.argv[7] === "off" ? "off" : "on";
const rules = Number(process.argv[8] ?? 0);
const IN_FLIGHT = 4;
const TABLES = ["spans", "sessions", "agents", "session_aliases", "messages", "span_messages", ...ROLLUP_TABLES, "rollup_days"];

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-ingest-"));
fs.chmodSync(dir, 0o777); // the server, which may run under another account, writes the file of rows there
const settings = { shared_buffers: "512MB", max_wal_size: "8GB", checkpoint_timeout: "30min" };
const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort(), settings });
const port = await freePort();
fs.writeFileSync(path.join(dir, "signalbox.config.yaml"), `collector: { writers: ${writers}, wal: "${wal}" }\n`);
const main = fileURLToPath(new URL("../../collector-processor/src/main.ts", import.meta.url));
const collector = spawn(process.execPath, [main], {
  env: {
    ...process.env,
    DATABASE_URL: server.url,
    SIGNALBOX_HOME: dir,
    ...(rules > 0 && { SIGNALBOX_TOKEN: "bench-token" }),
    SIGNALBOX_OTLP_PORT: String(port),
    SIGNALBOX_OTLP_GRPC_PORT: "0",
    SIGNALBOX_CONFIG: path.join(dir, "signalbox.config.yaml"),
  },
  stdio: ["ignore", "ignore", "inherit"],
});
const sql = postgres(server.url, { max: 1, onnotice: () => {} });
let clients: OtlpClient[] = [];

async function throughCollector(requests: Buffer[]): Promise<number> {
  const started = performance.now();
  let next = 0;
  const send = async (client: OtlpClient) => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) await client.post(request);
  };
  await Promise.all(clients.map(send));
  // with the log on, an answer comes before the commit
  for (let stored = 0; stored < requests.length * requestSpans; ) {
    const [counted] = await sql`select coalesce(sum(spans), 0)::int as spans from signalbox.sessions`;
    stored = counted?.spans;
    // asking without a pause would take Postgres' time
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return (performance.now() - started) / 1000;
}

async function emptyTables(): Promise<void> {
  await sql.unsafe(`truncate ${TABLES.map((table) => `signalbox.${table}`).join(", ")}`);
  await sql`checkpoint`;
}

const cpuTimes = () => ({
  collector: cpuMilliseconds(collector.pid as number),
  postgres: cpuMilliseconds(server.pid, { children: true }),
});
/** Transactions of the collector so far. */
async function groups(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^signalbox_collector_batch_seconds_count(?:{[^}]*})? (\d+)/m.exec(text)?.[1]);
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

try {
  while (!(await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => ({ ok: false }))).ok)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const conditions = [
    { kind: "session_cost", threshold: 1_000_000, per: "session", min_calls: 10, window_seconds: null, agent: null },
    { kind: "sub_agents", threshold: 1_000_000, per: "session", min_calls: 10, window_seconds: 60, agent: null },
    { kind: "error_rate", threshold: 0.99, per: "route", min_calls: 10, window_seconds: 300, agent: null },
    { kind: "loop", threshold: 1_000_000, per: "session", min_calls: 10, window_seconds: 300, agent: null },
  ];
  for (let rule = 0; rule < rules; rule++) {
    const condition = JSON.stringify(conditions[rule % conditions.length]);
    await sql`insert into signalbox.alert_rules (rule_id, name, condition, for_seconds, actions, enabled, version, created_at, updated_at)
      values (${`r${rule}`}, ${`r${rule}`}, ${condition}::text::jsonb, 0, '[]', true, 1, now(), now())`;
  }
  const requests = Math.ceil(roundSpans / requestSpans);
  // others each round: the collector knows what came before
  const bodiesOf = (round: number) =>
    Array.from({ length: requests }, (_, index) => otlpRequest(agentBatch(requestSpans, round * requests + index, content).protobuf));
  let bodies = bodiesOf(0);
  const total = bodies.length * requestSpans;
  const fileOf = (table: string, format: string) => path.join(dir, `${table}.${format}`);
  console.log(
    `${bodies.length} requests of ${requestSpans} spans, ${bodies[0]?.length} bytes each; ${writers} writer(s); content ${content}; wal ${wal}; ${rules} rule(s)`,
  );

  clients = await Promise.all(Array.from({ length: IN_FLIGHT }, () => OtlpClient.connect(port)));
  await throughCollector(bodies); // warm
  // where the rows are: copied straight into the table of their day, as the collector does, COPY takes a tenth less than through their parent
  const copied: string[] = [];
  for (const table of ["spans", "messages", "span_messages"]) {
    for (const { name } of await sql.unsafe(`select distinct tableoid::regclass::text as name from signalbox.${table}`)) copied.push(name);
  }
  for (const format of ["text", "binary"] as const) {
    for (const table of copied) await sql.unsafe(`copy (select * from ${table}) to '${fileOf(table, format)}' with (format ${format})`);
  }
  const rates = { collector: [] as number[], text: [] as number[], binary: [] as number[] };
  const cpu = {
    collector: [] as number[],
    postgres: [] as number[],
    clients: [] as number[],
    text: [] as number[],
    binary: [] as number[],
  };
  const groupSpans: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bodies = bodiesOf(round + 1);
    await emptyTables();
    const groupsBefore = await groups();
    const clientsBefore = process.cpuUsage();
    const before = cpuTimes();
    rates.collector.push(total / (await throughCollector(bodies)));
    const after = cpuTimes();
    const { user, system } = process.cpuUsage(clientsBefore);
    cpu.clients.push((user + system) / total);
    groupSpans.push(total / ((await groups()) - groupsBefore));
    cpu.collector.push(((after.collector - before.collector) * 1000) / total);
    cpu.postgres.push(((after.postgres - before.postgres) * 1000) / total);
    const [stored] = await sql`select count(*)::int as spans from signalbox.spans`;
    if (stored?.spans !== total) throw new Error(`${stored?.spans} spans are stored, not ${total}`);
    for (const format of ["text", "binary"] as const) {
      await emptyTables();
      const cpuBefore = cpuTimes().postgres;
      const started = performance.now();
      for (const table of copied) await sql.unsafe(`copy ${table} from '${fileOf(table, format)}' with (format ${format})`);
      rates[format].push(total / ((performance.now() - started) / 1000));
      cpu[format].push(((cpuTimes().postgres - cpuBefore) * 1000) / total);
    }
  }
  for (const [name, values] of Object.entries(rates)) {
    console.log(
      `${name.padEnd(10)} ${Math.round(median(values)).toLocaleString("en").padStart(9)} spans/s  [${values.map(Math.round).join(" ")}]`,
    );
  }
  for (const format of ["text", "binary"] as const) {
    const ratios = rates.collector.map((rate, index) => rate / (rates[format][index] as number));
    console.log(
      `collector / COPY ${format.padEnd(7)} ${median(ratios).toFixed(2)}  [${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}]`,
    );
  }
  const micros = (values: number[]) => median(values).toFixed(1);
  console.log(
    `CPU us a span: collector ${micros(cpu.collector)}, its Postgres ${micros(cpu.postgres)}, clients ${micros(cpu.clients)}; COPY text ${micros(cpu.text)}, binary ${micros(cpu.binary)}; ${Math.round(median(groupSpans))} spans a transaction`,
  );
} finally {
  for (const client of clients) client.close();
  collector.kill("SIGTERM");
  await new Promise((resolve) => collector.once("exit", resolve));
  await sql.end();
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.rmSync(server.dir, { recursive: true, force: true });
}
