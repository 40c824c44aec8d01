import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type postgres from "postgres";
import { freePort } from "../support/free-port.ts";
import { recount, rollups } from "./collector-recount.ts";
import { type Json, post, request } from "./collector-support.ts";

/** What clients were told, held against what is stored. */
export interface Books {
  /** Spans that a client was told 200 for. */
  acknowledged: number;
  /** Answers by status; 0: none. */
  answers: Record<string, number>;
  /** Requests that were sent once more after they were taken. */
  repeated: number;
  lost: number;
  doubled: number;
  /** The counters of sessions, agents and hours are those of a recount. */
  rollupsEqual: boolean;
  /** Spans whose messages are not all there, or not the ones that were sent, and messages of no span. */
  wrongMessages: number;
  /** As Postgres counted them since it was last started. */
  deadlocks: number;
}

const MAIN = fileURLToPath(new URL("../../collector-processor/src/main.ts", import.meta.url));
export const SPANS_A_REQUEST = 40;

export interface Running {
  readonly pid: number | undefined;
  url: string;
  start(): void;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** A collector with a folder of its own, its log in `collector.log` there; `settings`: more of `collector:` in its configuration; `more`: other parts of it. */
export async function collectorProcess(databaseUrl: string, home: string, number: number, settings = "", more = ""): Promise<Running> {
  const port = await freePort();
  const folder = path.join(home, `collector-${number}`);
  fs.mkdirSync(folder, { recursive: true });
  const config = path.join(folder, "signalbox.config.yaml");
  fs.writeFileSync(config, `collector: { ${settings} }\n${more}\n`);
  const ports = { SIGNALBOX_OTLP_PORT: String(port), SIGNALBOX_OTLP_GRPC_PORT: String(await freePort()) };
  const env = { ...process.env, ...ports, DATABASE_URL: databaseUrl, SIGNALBOX_HOME: folder, SIGNALBOX_CONFIG: config };
  let child: ChildProcess | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return child?.pid;
    },
    start() {
      const log = fs.openSync(path.join(folder, "collector.log"), "a");
      child = spawn(process.execPath, [MAIN], { env, cwd: folder, stdio: ["ignore", log, log] });
      fs.closeSync(log);
    },
    async stop(signal) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child?.once("exit", resolve));
      child.kill(signal);
      await gone;
    },
  };
}

/** Clients as OTLP wants them: a request is sent until it is taken. */
export class Load {
  /** Numbers of requests that were answered 200. */
  readonly taken = new Set<number>();
  repeated = 0;
  /** How often each status was answered; 0: none. */
  readonly answers = new Map<number, number>();
  readonly #urls: string[];
  #next = 0;
  #loading = true;

  constructor(urls: string[]) {
    this.#urls = urls;
  }

  stop(): void {
    this.#loading = false;
  }

  async client(): Promise<void> {
    while (this.#loading) {
      const mine = this.#next++;
      await this.#send(mine);
      this.taken.add(mine);
      if (Math.random() > 0.25) continue;
      this.repeated++;
      // also what others send at this moment
      await this.#send(Math.floor(Math.random() * this.#next));
    }
  }

  /** To any collector, and to another where it was not taken: what it was taken for may be known to the first all the same. */
  async #send(number: number): Promise<void> {
    const body = JSON.stringify(request(shuffled(spansOf(number))));
    for (;;) {
      const url = this.#urls[Math.floor(Math.random() * this.#urls.length)] as string;
      const answer = await post(url, body).catch(() => undefined);
      const status = answer?.status ?? 0;
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      if (status === 200) return;
      // a client would wait as long as it is told: this one makes trouble
      await sleep(20);
    }
  }
}

export async function compare(sql: postgres.Sql, { taken, repeated, answers }: Load): Promise<Books> {
  const acknowledged = [...taken].flatMap((number) => Array.from({ length: SPANS_A_REQUEST }, (_, index) => idOf(number, index)));
  const rows = await sql<{ id: string }[]>`select encode(span_id, 'hex') as id from signalbox.spans`;
  const stored = new Set(rows.map((row) => row.id));
  const [wrong] = await sql<{ n: number }[]>`
    with shown as (
      select span_id, (
        select string_agg(body #>> '{parts,0,content}', ' ' order by place) from unnest(hashes) with ordinality as one (hash, place)
        join signalbox.messages using (hash) where messages.session_id = span_messages.session_id
      ) as text
      from signalbox.span_messages
    )
    select (
      (select count(*) from signalbox.spans left join shown using (span_id) where text is distinct from 'we said ' || turn_id) +
      (select count(*) from signalbox.messages where not exists (
        select from signalbox.span_messages where span_messages.session_id = messages.session_id and hashes @> array[hash]))
    )::int as n`;
  const [counted] = await sql<{ n: number }[]>`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  return {
    repeated,
    answers: Object.fromEntries(answers),
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((id) => !stored.has(id)).length,
    doubled: rows.length - stored.size,
    rollupsEqual: isDeepStrictEqual(await rollups(sql), await recount(sql)),
    wrongMessages: wrong?.n ?? -1,
    deadlocks: counted?.n ?? -1,
  };
}

/** A gauge or counter of /metrics, by its name without `signalbox_collector_`. */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^signalbox_collector_${name}(?:\\{.*\\})? (\\S+)`, "m").exec(text)?.[1]);
}

/** Waits until the log's records are all on their way to the database. */
export async function backlogStored(url: string): Promise<void> {
  while ((await metric(url, "wal_backlog_records")) + (await metric(url, "queue_spans")) > 0) await sleep(50);
}

const idOf = (request: number, index: number) => (request * SPANS_A_REQUEST + index + 1).toString(16).padStart(16, "0");
const STARTED = BigInt(Date.now()) * 1_000_000n;

/** The same spans each time. */
function spansOf(requestNumber: number): Json[] {
  const start = STARTED + BigInt(requestNumber) * 1000n;
  const said = (content: string) => ({ role: "user", content });
  return Array.from({ length: SPANS_A_REQUEST }, (_, index) => ({
    traceId: (requestNumber + 1).toString(16).padStart(32, "0"),
    spanId: idOf(requestNumber, index),
    name: "chat m",
    kind: 3,
    startTimeUnixNano: String(start + BigInt(index)),
    endTimeUnixNano: String(start + 1_000_000n),
    attributes: [
      { key: "session.id", value: { stringValue: `s${requestNumber % 7}` } },
      { key: "signalbox.agent.id", value: { stringValue: `a${index % 3}` } },
      { key: "signalbox.turn.id", value: { stringValue: String(requestNumber % 1000) } },
      { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
      { key: "gen_ai.request.model", value: { stringValue: "claude-sonnet-4-6" } },
      { key: "gen_ai.usage.input_tokens", value: { intValue: String(100 + index) } },
      { key: "gen_ai.usage.output_tokens", value: { intValue: "10" } },
      {
        key: "gen_ai.input.messages",
        value: { stringValue: JSON.stringify([said("we said"), said(String(requestNumber % 1000))]) },
      },
    ],
  }));
}

function shuffled<T>(list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
