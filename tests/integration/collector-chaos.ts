import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedPostgres, startPostgres } from "@signalbox/local/postgres";
import type postgres from "postgres";
import { freePort } from "../support/free-port.ts";
import { type Books, backlogStored, collectorProcess, compare, Load, type Running, SPANS_A_REQUEST } from "./collector-load.ts";
import { untilReady } from "./collector-support.ts";

/** What is killed with SIGKILL in a round. */
export type Victim = "collector" | "postgres" | "both";

export interface ChaosOptions {
  databaseUrl: string;
  sql: postgres.Sql;
  /** Each collector's SIGNALBOX_HOME, with its log, is a folder in here. */
  home: string;
  rounds: number;
  /** Taken in turns. */
  victims?: Victim[];
  /** Needed where Postgres is among the victims: kills it and starts it again. */
  restartPostgres?: (whileDown: () => Promise<void>) => Promise<void>;
  /** Collectors on the one database; clients send to any of them. */
  collectors?: number;
  log?: (line: string) => void;
}

export interface ChaosResult extends Books {
  kills: number;
}

const CLIENTS = 4;

/**
 * Collector processes and Postgres are killed with SIGKILL at chance moments and started again, while clients send, again where they got
 * no 200, and now and then once more, spans in another order, what was taken already.
 */
export async function chaosRounds(options: ChaosOptions): Promise<ChaosResult> {
  const { databaseUrl, sql, home, rounds, victims = ["collector"], restartPostgres, log = () => {} } = options;
  const collectors: Running[] = [];
  for (let number = 0; number < (options.collectors ?? 1); number++) collectors.push(await collectorProcess(databaseUrl, home, number));
  const load = new Load(collectors.map((collector) => collector.url));
  const any = () => collectors[Math.floor(Math.random() * collectors.length)] as Running;
  const allReady = () => Promise.all(collectors.map((collector) => untilReady(collector.url, 180)));

  let kills = 0;
  try {
    for (const collector of collectors) collector.start();
    await allReady();
    const clients = Array.from({ length: CLIENTS }, () => load.client());
    for (; kills < rounds; kills++) {
      await sleep(100 + Math.random() * 400);
      const victim = victims[kills % victims.length] as Victim;
      const collector = any();
      const restartCollector = async () => {
        await collector.stop("SIGKILL");
        collector.start();
      };
      if (victim === "collector") await restartCollector();
      else if (restartPostgres === undefined) throw new Error("Postgres is to be killed, and restartPostgres is missing");
      else await restartPostgres(victim === "both" ? restartCollector : () => sleep(Math.random() * 500));
      await allReady();
      log(`kill ${kills + 1} (${victim}): ${load.taken.size * SPANS_A_REQUEST} spans acknowledged so far`);
    }
    load.stop();
    await Promise.all(clients);
    for (const collector of collectors) await backlogStored(collector.url);
  } finally {
    load.stop();
    for (const collector of collectors) await collector.stop("SIGTERM");
  }
  return { kills, ...(await compare(sql, load)) };
}

export interface KillablePostgres {
  url: string;
  restart: NonNullable<ChaosOptions["restartPostgres"]>;
  /** Its data is then gone. */
  stop(): Promise<void>;
}

/** A server of its own in that folder, with durable settings. */
export async function killablePostgres(dir: string): Promise<KillablePostgres> {
  const place = { dir, port: await freePort() };
  let server = await startPostgres(place);
  return {
    url: server.url,
    async restart(whileDown) {
      process.kill(server.pid, "SIGKILL");
      await whileDown();
      server = await startedAgain(place);
    },
    async stop() {
      await server.stop();
      fs.rmSync(server.dir, { recursive: true, force: true });
    },
  };
}

/** While a process of the one that was killed still ends, its memory is taken, and the next one does not start. */
async function startedAgain(place: { dir: string; port: number }): Promise<EmbeddedPostgres> {
  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    try {
      return await startPostgres(place);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
