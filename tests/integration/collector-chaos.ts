import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type postgres from "postgres";
import { freePort } from "../support/free-port.ts";
import { recount, rollups } from "./collector-recount.ts";
import { type Json, post, request, untilReady } from "./collector-support.ts";

export interface ChaosOptions {
  databaseUrl: string;
  sql: postgres.Sql;
  /** SIGNALBOX_HOME of the collector: its log is there. */
  home: string;
  rounds: number;
  log?: (line: string) => void;
}

export interface ChaosResult {
  kills: number;
  /** Spans that a client was told 200 for. */
  acknowledged: number;
  lost: number;
  doubled: number;
  /** The counters of sessions, agents and hours are those of a recount. */
  rollupsEqual: boolean;
}

const MAIN = fileURLToPath(new URL("../../collector-processor/src/main.ts", import.meta.url));
const CLIENTS = 4;
const SPANS_A_REQUEST = 40;

/**
 * A collector process that is killed with SIGKILL at chance moments and started again, while clients send, again where they got no 200,
 * and now and then once more what was taken already.
 */
export async function chaosRounds({ databaseUrl, sql, home, rounds, log = () => {} }: ChaosOptions): Promise<ChaosResult> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    SIGNALBOX_OTLP_PORT: String(port),
    SIGNALBOX_OTLP_GRPC_PORT: "0",
    SIGNALBOX_HOME: home,
  };
  const start = (): ChildProcess =>
    spawn(process.execPath, [MAIN], { env: { ...environment, SIGNALBOX_CONFIG: "" }, cwd: home, stdio: "ignore" });
  const acknowledged: string[] = [];
  let loading = true;
  let number = 0;

  async function client(): Promise<void> {
    while (loading) {
      const mine = number++;
      const body = JSON.stringify(request(spansOf(mine)));
      const again = mine % 5 === 0;
      for (let sent = 0; sent < (again ? 2 : 1); ) {
        const answer = await post(url, body).catch(() => undefined);
        if (answer?.status === 200) sent++;
        else await sleep(20);
      }
      for (let index = 0; index < SPANS_A_REQUEST; index++) acknowledged.push(idOf(mine, index));
    }
  }

  let collector = start();
  let kills = 0;
  try {
    await untilReady(url);
    const clients = Array.from({ length: CLIENTS }, client);
    for (; kills < rounds; kills++) {
      await sleep(100 + Math.random() * 400);
      const gone = new Promise((resolve) => collector.once("exit", resolve));
      collector.kill("SIGKILL");
      await gone;
      collector = start();
      await untilReady(url);
      log(`kill ${kills + 1}: ${acknowledged.length} spans acknowledged so far`);
    }
    loading = false;
    await Promise.all(clients);
    await backlogStored(url);
  } finally {
    loading = false;
    const gone = new Promise((resolve) => collector.once("exit", resolve));
    collector.kill("SIGTERM");
    await gone;
  }
  const rows = await sql<{ id: string }[]>`select encode(span_id, 'hex') as id from signalbox.spans`;
  const stored = new Set(rows.map((row) => row.id));
  return {
    kills,
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((id) => !stored.has(id)).length,
    doubled: rows.length - stored.size,
    rollupsEqual: isDeepStrictEqual(await rollups(sql), await recount(sql)),
  };
}

/** Waits until the log's records are all stored: the last cursor says so by the metrics. */
async function backlogStored(url: string): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^signalbox_collector_${name}(?:\\{.*\\})? (\\d+)`, "m").exec(text)?.[1]);
    if (value("wal_backlog_records") === 0 && value("queue_spans") === 0) return;
    await sleep(50);
  }
}

const idOf = (request: number, index: number) => (request * SPANS_A_REQUEST + index + 1).toString(16).padStart(16, "0");

function spansOf(requestNumber: number): Json[] {
  const now = BigInt(Date.now()) * 1_000_000n;
  return Array.from({ length: SPANS_A_REQUEST }, (_, index) => ({
    traceId: (requestNumber + 1).toString(16).padStart(32, "0"),
    spanId: idOf(requestNumber, index),
    name: "chat m",
    kind: 3,
    startTimeUnixNano: String(now + BigInt(index)),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [
      { key: "session.id", value: { stringValue: `s${requestNumber % 7}` } },
      { key: "signalbox.agent.id", value: { stringValue: `a${index % 3}` } },
      { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
      { key: "gen_ai.request.model", value: { stringValue: "claude-sonnet-4-6" } },
      { key: "gen_ai.usage.input_tokens", value: { intValue: String(100 + index) } },
      { key: "gen_ai.usage.output_tokens", value: { intValue: "10" } },
      { key: "gen_ai.input.messages", value: { stringValue: `[{"role":"user","content":"question ${requestNumber}"}]` } },
    ],
  }));
}
