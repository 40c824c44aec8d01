/**
 * Decision records on their way to the collector. On the relay's path a record is pushed and no more; when the event loop has
 * dealt with its sockets, its spans are written as bytes, so that no record outlives a young garbage collection. Bytes leave in
 * batches, one at a time, again and again until the collector takes or refuses them. While it is away they are kept, up to a bound,
 * and what is beyond it is counted.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { otlpTransport } from "@signalbox/otel/otlp-transport";
import type { Log } from "../log.ts";
import { type SpanRecord, writeSpans } from "./decision-span.ts";
import type { DecisionRecord } from "./record.ts";
import { createSpanWriter } from "./span-writer.ts";

export interface Telemetry {
  /** On the path: one push. */
  record(record: SpanRecord): void;
  /** Records that there was no room for, and records that were given up: refused by the collector, or left at the end. */
  readonly dropped: { full: number; unsent: number };
  /** Sends what is left, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface TelemetryOptions {
  /** Base URL of an OTLP/HTTP receiver. */
  endpoint: string;
  /** The key of the receiver, where it asks for one. */
  token: string | undefined;
  /** Called once for each decision, off the path. */
  onRecord: (record: DecisionRecord) => void;
  log: Log;
  /** Records kept while they cannot be sent: some 3 KB each. */
  capacity: number;
}

interface Batch {
  request: Buffer;
  records: number;
}

const SEND_EVERY_MS = 100;
const BATCH_RECORDS = 256;
const BATCH_BYTES = 1 << 20;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
const TIMEOUT_MS = 5_000;

/** @throws TypeError where the endpoint is no URL */
export function startTelemetry({ endpoint, token, onRecord, log, capacity }: TelemetryOptions): Telemetry {
  const transport = otlpTransport({
    endpoint,
    timeoutMs: TIMEOUT_MS,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const spans = createSpanWriter("signalbox-scheduler");
  const stop = new AbortController();
  let ended: SpanRecord[] = [];
  let written = 0;
  const batches: Batch[] = [];
  /** All that is held: ended, written, in batches, on its way. */
  let held = 0;
  let full = 0;
  let unsent = 0;
  let sending: Promise<void> | undefined;

  function write(): void {
    const records = ended;
    ended = [];
    for (const record of records) {
      if (!("kind" in record)) onRecord(record);
      if (held >= capacity) {
        full++;
        continue;
      }
      held++;
      written++;
      writeSpans(record, spans);
      if (written >= BATCH_RECORDS || spans.bytes >= BATCH_BYTES) seal();
    }
  }

  function seal(): void {
    if (written === 0) return;
    batches.push({ request: spans.take(), records: written });
    written = 0;
  }

  function send(): void {
    seal();
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
  }

  async function sendAll(): Promise<void> {
    for (let batch = batches.shift(); batch && !stop.signal.aborted; batch = batches.shift()) {
      await deliver(batch);
      held -= batch.records;
    }
  }

  async function deliver({ request, records }: Batch): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS, away = false; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
      const sent = await transport.sendEncoded(request);
      if (sent.outcome !== "retry" && away) log.info("collector is back", { endpoint });
      if (sent.outcome !== "retry") spans.giveBack(request);
      if (sent.outcome === "accepted") return;
      if (sent.outcome === "refused" || stop.signal.aborted) {
        unsent += records;
        if (sent.outcome === "refused") log.error("collector refused decisions", { endpoint, records, reason: sent.reason });
        return;
      }
      if (!away) log.warn("collector is away: decisions are kept and sent later", { endpoint, capacity, reason: sent.reason });
      away = true;
      await sleep(Math.max(retryMs, sent.retryAfterMs ?? 0), undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  }

  const timer = setInterval(send, SEND_EVERY_MS);

  return {
    record(record) {
      if (ended.push(record) === 1) setImmediate(write);
    },
    get dropped() {
      return { full, unsent };
    },
    async close(timeoutMs) {
      clearInterval(timer);
      write();
      send();
      const late = new AbortController();
      await Promise.race([sending, sleep(timeoutMs, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
      stop.abort();
      transport.close();
      await sending;
      for (const { records } of batches) unsent += records;
      if (unsent > 0) log.warn("decisions were not sent", { records: unsent });
    },
  };
}
