import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { Attribute } from "./conventions.ts";
import type { OtlpTransport } from "./otlp-transport.ts";

/**
 * A span processor bounded by count and by bytes (the SDK's batch processor is bounded by count alone).
 *
 * What it cannot keep it drops, newest first, and counts; the running total stands as `signalbox.dropped_spans` on the next
 * span that it takes, so that the gap shows where the data is read. Nothing happens on the caller's turn but a push.
 */

export interface SpanQueueOptions {
  maxSpans: number;
  /** Estimated bytes in memory of all spans held, those being sent included. */
  maxBytes: number;
  maxBatchSpans: number;
  /** Milliseconds from the first queued span to its export. */
  delayMs: number;
  /** First and longest wait between tries while the collector is away, milliseconds. */
  retryMinMs: number;
  retryMaxMs: number;
}

export interface SpanQueueStats {
  /** Spans held now, those being sent included. */
  queued: number;
  queuedBytes: number;
  exported: number;
  /** Since the start: queue full, refused by the collector, or left at shutdown. */
  dropped: number;
}

interface Entry {
  span: ReadableSpan;
  bytes: number;
}

export interface SpanQueue extends SpanProcessor {
  stats(): SpanQueueStats;
  /** Sends what is queued; resolves when empty, on the first failed try, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
  /** Stops for good within `timeoutMs`; what was not sent by then counts as dropped. */
  stop(timeoutMs: number): Promise<void>;
}

export function spanQueue(transport: OtlpTransport, options: SpanQueueOptions): SpanQueue {
  let waiting: Entry[] = [];
  let sending: Entry[] = [];
  let bytes = 0;
  let exported = 0;
  let dropped = 0;
  let marked = 0;
  let retryMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let drain: Promise<boolean> | undefined;
  let stopped = false;

  const schedule = (ms: number) => {
    if (timer !== undefined || drain !== undefined || stopped) return;
    timer = setTimeout(() => {
      timer = undefined;
      run();
    }, ms);
    timer.unref();
  };

  const release = (batch: Entry[]) => {
    for (const entry of batch) bytes -= entry.bytes;
  };

  /** Sends until the queue is empty (true) or a try failed (false). */
  const sendAll = async (): Promise<boolean> => {
    while (waiting.length > 0) {
      sending = waiting.slice(0, options.maxBatchSpans);
      waiting = waiting.slice(options.maxBatchSpans);
      const batch = sending;
      const result = await transport.send(batch.map((entry) => entry.span));
      sending = [];
      if (stopped) return false;
      if (result.outcome === "retry") {
        waiting = [...batch, ...waiting];
        retryMs = Math.min(options.retryMaxMs, Math.max(options.retryMinMs, retryMs * 2, result.retryAfterMs ?? 0));
        return false;
      }
      release(batch);
      retryMs = 0;
      if (result.outcome === "refused") dropped += batch.length;
      else {
        exported += batch.length - result.rejected;
        dropped += result.rejected;
      }
    }
    return true;
  };

  const run = (): Promise<boolean> => {
    if (drain !== undefined) return drain;
    clearTimeout(timer);
    timer = undefined;
    drain = sendAll().finally(() => {
      drain = undefined;
      // Jitter: many gateways must not come back to a restarted collector in step.
      if (waiting.length > 0) schedule(retryMs * (0.75 + Math.random() / 2));
    });
    return drain;
  };

  const flush = async (timeoutMs: number) => {
    let deadline: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      deadline = setTimeout(() => resolve(false), timeoutMs);
    });
    await Promise.race([run(), timeout]);
    clearTimeout(deadline);
  };

  const stop = async (timeoutMs: number) => {
    if (stopped) return;
    if (waiting.length > 0 || drain !== undefined) await flush(timeoutMs);
    stopped = true;
    clearTimeout(timer);
    dropped += waiting.length + sending.length;
    waiting = [];
    sending = [];
    bytes = 0;
    transport.close();
  };

  return {
    onStart() {},
    onEnd(span) {
      const size = estimateBytes(span);
      if (stopped || waiting.length + sending.length >= options.maxSpans || bytes + size > options.maxBytes) {
        dropped++;
        return;
      }
      if (dropped > marked) {
        span.attributes[Attribute.droppedSpans] = dropped;
        marked = dropped;
      }
      waiting.push({ span, bytes: size });
      bytes += size;
      if (waiting.length >= options.maxBatchSpans && retryMs === 0) {
        clearTimeout(timer);
        timer = undefined;
        schedule(0);
      } else schedule(options.delayMs);
    },
    forceFlush: () => flush(options.retryMaxMs),
    shutdown: () => stop(0),
    stats: () => ({ queued: waiting.length + sending.length, queuedBytes: bytes, exported, dropped }),
    flush,
    stop,
  };
}

/** What a finished span holds in memory, roughly: V8 keeps most strings at one byte a character, some at two. */
function estimateBytes(span: ReadableSpan): number {
  let bytes = 1_024 + span.name.length * 2;
  for (const key in span.attributes) {
    const value = span.attributes[key];
    bytes += 64;
    if (typeof value === "string") bytes += value.length * 2;
    else if (Array.isArray(value)) for (const item of value) bytes += typeof item === "string" ? 32 + item.length * 2 : 16;
  }
  bytes += (span.links.length + span.events.length) * 256;
  for (const event of span.events) bytes += JSON.stringify(event.attributes ?? {}).length * 2;
  return bytes;
}
