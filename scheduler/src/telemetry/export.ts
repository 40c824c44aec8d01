/**
 * Decision records on their way to the collector. A write into the ring is all that happens on the relay's path; records leave
 * in batches for a thread that makes spans of them (`export-thread.ts`): made here, the two spans of a request and their JSON
 * took a third of the scheduler's CPU, in pieces that streams had to wait for.
 *
 * The ring is the only queue: one batch is with the thread at a time, and while the collector is away it stays there, the ring
 * fills, and what it refuses is counted.
 */

import { Worker } from "node:worker_threads";
import type { Log } from "../log.ts";
import type { DecisionRecord } from "./record.ts";
import { createRing } from "./ring.ts";

export interface Telemetry {
  /** On the path: one write into the ring. */
  record(record: DecisionRecord): void;
  /** Records that a full ring refused, and records that were given up: refused by the collector, or left at the end. */
  readonly dropped: { full: number; unsent: number };
  /** Sends what is left, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface TelemetryOptions {
  /** Base URL of an OTLP/HTTP receiver. */
  endpoint: string;
  /** The key of the receiver, where it asks for one. */
  token: string | undefined;
  /** Called once for each record, off the path. */
  onRecord: (record: DecisionRecord) => void;
  log: Log;
  /** Records kept while they cannot be sent. */
  capacity: number;
}

/** `workerData` of the thread. */
export type ThreadOptions = Pick<TelemetryOptions, "endpoint" | "token">;
/** What the thread says. `done` ends the batch that it was given; `away` is said once, `back` when it is over. */
export type ThreadMessage = { type: "done"; refused: boolean; reason?: string } | { type: "away"; reason: string } | { type: "back" };

const DRAIN_EVERY_MS = 100;
/** Records in a batch: some 2 ms of JSON here, some 30 ms of spans there. */
const BATCH = 256;

export function startTelemetry({ endpoint, token, onRecord, log, capacity }: TelemetryOptions): Telemetry {
  const ring = createRing<DecisionRecord>(capacity);
  const thread = new Worker(new URL("./export-thread.ts", import.meta.url), { workerData: { endpoint, token } satisfies ThreadOptions });
  let inFlight = 0;
  let unsent = 0;
  let drained = () => {};

  function drain(): void {
    if (inFlight > 0) return;
    const records = ring.take(BATCH);
    if (records.length === 0) {
      drained();
      return;
    }
    for (const record of records) onRecord(record);
    inFlight = records.length;
    thread.postMessage(JSON.stringify(records));
  }

  thread.on("message", (message: ThreadMessage) => {
    if (message.type === "away") {
      log.warn("collector is away: decisions are kept and sent later", { endpoint, capacity, reason: message.reason });
    } else if (message.type === "back") log.info("collector is back", { endpoint });
    else {
      if (message.refused) {
        unsent += inFlight;
        log.error("collector refused decisions", { endpoint, records: inFlight, reason: message.reason });
      }
      inFlight = 0;
      if (ring.size > 0) drain();
      else drained();
    }
  });
  thread.on("error", (error) => log.error("decisions are no longer sent: their thread failed", { reason: error.message }));
  const timer = setInterval(drain, DRAIN_EVERY_MS);

  return {
    record: (record) => void ring.push(record),
    get dropped() {
      return { full: ring.dropped, unsent };
    },
    async close(timeoutMs) {
      clearInterval(timer);
      const sent = new Promise<void>((resolve) => {
        drained = resolve;
      });
      drain();
      await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
      unsent += inFlight + ring.size;
      if (unsent > 0) log.warn("decisions were not sent", { records: unsent });
      await thread.terminate();
    },
  };
}
