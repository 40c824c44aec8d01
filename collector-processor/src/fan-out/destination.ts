import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { PushResult } from "./pusher.ts";
import type { Rewritten } from "./rewrite.ts";

export interface DestinationConfig {
  name: string;
  /** Bytes that may wait; what comes beyond is dropped and counted. */
  queueBytes: number;
  /** Requests that wait are sent together up to so many bytes. */
  pushBytes: number;
  /** The pause after a failure: the first, doubled with each further one up to the most; each cut by chance to between half and all. */
  backoffMs: { first: number; most: number };
  /** After so many failures in a row the breaker opens: then one small push at a time asks whether the destination is back. */
  breakerFailures: number;
}

export type DropReason = "queue_full" | "refused" | "rejected" | "shutdown";

/** What is counted of a destination; read by /metrics and /status. */
export interface DestinationState {
  name: string;
  queuedSpans: number;
  queuedBytes: number;
  sentSpans: number;
  retries: number;
  dropped: Record<DropReason, number>;
  /** The last push failed, and is made again. */
  retrying: boolean;
  breakerOpen: boolean;
  /** Milliseconds since 1970 of the last push that was taken. */
  lastSentAt: number | null;
  /** The last push that was not, and when. */
  lastFailure: { at: number; reason: string } | null;
}

export interface Destination {
  readonly state: Readonly<DestinationState>;
  /**
   * Takes it into the queue, or drops and counts it. Never waits. `settled` is called once, when it was sent or dropped; never where
   * it waits still at shutdown.
   */
  offer(item: Rewritten, settled?: () => void): void;
  start(): void;
  /** Sends what waits for at most so long; the rest is dropped and counted. */
  shutdown(withinMs: number): Promise<void>;
}

/** One OTLP destination with a queue of its own: a failing one keeps nobody waiting. Order is kept. */
export function destination(
  config: DestinationConfig,
  push: (body: Buffer) => Promise<PushResult>,
  log: Log,
  random: () => number = Math.random,
): Destination {
  const state: DestinationState = {
    name: config.name,
    queuedSpans: 0,
    queuedBytes: 0,
    sentSpans: 0,
    retries: 0,
    dropped: { queue_full: 0, refused: 0, rejected: 0, shutdown: 0 },
    retrying: false,
    breakerOpen: false,
    lastSentAt: null,
    lastFailure: null,
  };
  const queue: (Rewritten & { settled?: (() => void) | undefined })[] = [];
  const stop = new AbortController();
  let wake: (() => void) | undefined;
  let closing = false;
  let failures = 0;
  /** Requests at the front of the queue to be sent one by one: together, they were refused. */
  let singly = 0;
  let loop: Promise<void> | undefined;

  function offer(item: Rewritten, settled?: () => void): void {
    if (closing || state.queuedBytes + item.bytes.length > config.queueBytes) {
      if (state.dropped.queue_full === 0) log.warn("a fan-out queue is full: spans are dropped", { destination: config.name });
      state.dropped.queue_full += item.spans;
      settled?.();
      return;
    }
    queue.push({ ...item, settled });
    state.queuedSpans += item.spans;
    state.queuedBytes += item.bytes.length;
    wake?.();
  }

  /** How many requests go out together: their bytes joined are one request. */
  function groupLength(): number {
    if (state.breakerOpen || singly > 0) return 1;
    let bytes = 0;
    let count = 0;
    for (const item of queue) {
      bytes += item.bytes.length;
      if (count > 0 && bytes > config.pushBytes) break;
      count++;
    }
    return count;
  }

  function remove(count: number): number {
    let spans = 0;
    for (const item of queue.splice(0, count)) {
      spans += item.spans;
      state.queuedBytes -= item.bytes.length;
      item.settled?.();
    }
    state.queuedSpans -= spans;
    singly = Math.max(0, singly - count);
    return spans;
  }

  async function pushNext(): Promise<void> {
    const count = groupLength();
    const result = await push(Buffer.concat(queue.slice(0, count).map((item) => item.bytes)));
    if (result.kind !== "taken") state.lastFailure = { at: Date.now(), reason: result.reason };
    if (result.kind === "retry") return failed(result);
    succeeded();
    if (result.kind === "taken") {
      state.lastSentAt = Date.now();
      const rejected = Math.min(
        result.rejectedSpans,
        queue.slice(0, count).reduce((sum, item) => sum + item.spans, 0),
      );
      state.sentSpans += remove(count) - rejected;
      state.dropped.rejected += rejected;
      if (rejected > 0)
        log.warn("a fan-out destination rejected spans", { destination: config.name, spans: rejected, reason: result.message });
    } else if (count > 1) singly = count;
    else {
      const spans = remove(1);
      state.dropped.refused += spans;
      log.warn("a fan-out destination refused a push", { destination: config.name, spans, reason: result.reason });
    }
  }

  async function failed({ reason, afterMs }: { reason: string; afterMs: number | null }): Promise<void> {
    failures++;
    state.retries++;
    state.retrying = true;
    if (failures === config.breakerFailures) {
      state.breakerOpen = true;
      log.warn("a fan-out destination is down, asking again now and then", { destination: config.name, reason });
    }
    const full = Math.min(config.backoffMs.first * 2 ** (failures - 1), config.backoffMs.most);
    const pause = afterMs ?? full * (0.5 + random() / 2);
    await sleep(Math.min(pause, MAX_PAUSE_MS), undefined, { signal: stop.signal }).catch(() => {});
  }

  function succeeded(): void {
    if (state.breakerOpen) log.info("a fan-out destination is back", { destination: config.name, waiting_spans: state.queuedSpans });
    failures = 0;
    state.retrying = false;
    state.breakerOpen = false;
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      if (queue.length > 0) await pushNext();
      else if (closing) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    state,
    offer,
    start() {
      loop = run();
    },
    async shutdown(withinMs) {
      closing = true;
      wake?.();
      const bound = setTimeout(() => stop.abort(), withinMs);
      await Promise.race([loop, new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }))]);
      clearTimeout(bound);
      stop.abort();
      for (const { spans, settled } of queue) if (settled === undefined) state.dropped.shutdown += spans;
    },
  };
}

/** However long a destination asks us to wait. */
const MAX_PAUSE_MS = 5 * 60_000;
