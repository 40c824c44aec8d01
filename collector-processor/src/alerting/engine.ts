import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { NotifyChannel } from "@signalbox/otel/conventions";
import { type Connection, connect } from "../exporters/postgres-connection.ts";
import { type Lease, lease } from "../lease.ts";
import { Evaluator, type EvaluatorOptions, type EvaluatorState } from "./evaluator.ts";
import { LeaseLost } from "./record.ts";
import { Touched } from "./touched.ts";

export interface EngineOptions extends EvaluatorOptions {
  databaseUrl: string;
}

/** What the metrics say of it. */
export interface EngineState extends EvaluatorState {
  leading: boolean;
  /** Sessions that were not remembered as changed, because too many were: then all are looked at. */
  droppedTouches: number;
}

export interface Engine {
  state: Readonly<EngineState>;
  start(): void;
  close(): Promise<void>;
}

const TICK_MS = 1_000;
/** Batches that are committed within this are looked at together. */
const GATHER_MS = 100;
const RECONNECT_MS = 1_000;

/**
 * Evaluates the rules, off the path of the spans: it hears from Postgres which sessions a committed batch touched, whoever wrote it.
 * Of several collectors on one database the one that holds the lease does; the others stand by.
 */
export function alertEngine(options: EngineOptions): Engine {
  const { databaseUrl, limits, log } = options;
  const holder = randomUUID();
  const stopping = new AbortController();
  const state: EngineState = { leading: false, evaluations: 0, failures: 0, fired: 0, droppedTouches: 0 };
  const touched = new Touched(limits.touched_sessions, () => state.droppedTouches++);
  let wake = () => {};
  let loop: Promise<void> = Promise.resolve();
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal: stopping.signal }).catch(() => {});

  /** A tick has passed, a batch was committed, or it is time to stop. */
  async function nextTurn(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (touched.isEmpty && !stopping.signal.aborted) await Promise.race([woken, pause(TICK_MS)]);
    if (!stopping.signal.aborted) await pause(GATHER_MS);
  }

  async function serve(connection: Connection, held: Lease): Promise<void> {
    let evaluator: Evaluator | null = null;
    while (!stopping.signal.aborted) {
      if (await held.hold()) {
        if (evaluator === null) log.info("evaluates the alert rules");
        evaluator ??= new Evaluator(connection, held, options, state);
        state.leading = true;
        await evaluator.run(touched.take());
      } else {
        evaluator = null;
        state.leading = false;
        touched.take();
      }
      await nextTurn();
    }
    await held.release();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let connection: Connection | undefined;
      try {
        const settings = { application_name: "signalbox-alerting", statement_timeout: Math.round(limits.lease_ms * 0.8) };
        connection = await connect(databaseUrl, settings, (channel, payload) => {
          if (channel === NotifyChannel.ingest) touched.add(payload);
          wake();
        });
        await connection.run(`listen ${NotifyChannel.ingest}; listen ${NotifyChannel.alerts}`);
        await serve(connection, lease(connection, "alerting", holder, limits.lease_ms));
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.warn(error instanceof LeaseLost ? "stands by" : "alerting is interrupted, trying again", { error: (error as Error).message });
        await pause(RECONNECT_MS);
      } finally {
        state.leading = false;
        await connection?.close();
      }
    }
  }

  return {
    state,
    start() {
      loop = run();
    },
    async close() {
      stopping.abort();
      wake();
      await loop;
    },
  };
}
