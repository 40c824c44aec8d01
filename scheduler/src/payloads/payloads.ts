/**
 * The exact bytes that attempts send and receive, for the raw view. On the relay's path a reference is kept to buffers that exist
 * anyway. When a call is over they are copied, in batches, to a thread that redacts and sends them. All that is held is bounded; what
 * is beyond is counted and dropped: no call waits for its bytes to be kept.
 */

import { Worker } from "node:worker_threads";
import type { Log } from "../log.ts";
import type { AttemptRecord, DecisionRecord } from "../telemetry/record.ts";
import type { PayloadBatch, PayloadMeta, PayloadReceipt, PayloadWorkerOptions } from "./protocol.ts";

export interface Payloads {
  /** An attempt begins; `sent` is its body, and must not change any more. */
  open(decision: DecisionRecord, attempt: AttemptRecord, sent: Buffer): PayloadTap;
  /** Bodies that there was no room for, and bodies that the collector did not take. */
  readonly dropped: { full: number; unsent: number };
  /** Sends what is left, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** What one attempt tells. Never throws. */
export interface PayloadTap {
  /** `chunk` must not change any more. */
  received(chunk: Buffer): void;
  /** Idempotent. */
  end(): void;
}

export interface PayloadsOptions extends PayloadWorkerOptions {
  /** Bytes of one body; of a longer one the end is left out. */
  maxBytes: number;
  /** Bytes held in all, of calls under way and of those on their way to the collector. */
  maxHeldBytes: number;
  log: Log;
}

interface Body {
  meta: PayloadMeta;
  chunks: Buffer[];
  bytes: number;
}

const SEND_EVERY_MS = 100;

export function startPayloads({ endpoint, token, maxBytes, maxHeldBytes, log }: PayloadsOptions): Payloads {
  const workerData: PayloadWorkerOptions = { endpoint, token };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData });
  worker.unref();
  let waiting: Body[] = [];
  let held = 0;
  let full = 0;
  let unsent = 0;
  let isDead = false;
  let onIdle: (() => void) | undefined;
  let posted = 0;
  worker.on("message", ({ bytes, bodies, isSent, reason }: PayloadReceipt) => {
    held -= bytes;
    posted--;
    if (!isSent) {
      unsent += bodies;
      log.warn("bodies of calls were not kept: the collector did not take them", { bodies, reason: reason ?? "" });
    }
    if (posted === 0) onIdle?.();
  });
  worker.on("error", (error) => {
    isDead = true;
    waiting = [];
    log.error("bodies of calls are no longer kept", { reason: error.message });
    onIdle?.();
  });

  function send(): void {
    if (waiting.length === 0 || isDead) return;
    const bodies = waiting;
    waiting = [];
    const all = Buffer.allocUnsafeSlow(bodies.reduce((sum, body) => sum + body.bytes, 0));
    let at = 0;
    for (const { chunks } of bodies) for (const chunk of chunks) at += chunk.copy(all, at);
    posted++;
    const batch: PayloadBatch = { bytes: all.buffer, bodies: bodies.map(({ meta, bytes }) => ({ ...meta, length: bytes })) };
    worker.postMessage(batch, [all.buffer]);
  }

  const timer = setInterval(send, SEND_EVERY_MS);
  timer.unref();

  /** The part of a chunk that there is room for. */
  function take(body: Body, chunk: Buffer): void {
    body.meta.bytes += chunk.length;
    const room = maxBytes - body.bytes;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (kept.length === 0) return;
    body.chunks.push(kept);
    body.bytes += kept.length;
    held += kept.length;
  }

  return {
    open(decision, attempt, sent) {
      const of = { traceId: decision.traceId, spanId: attempt.spanId, startedAt: attempt.startedAt, bytes: 0 };
      const { session, project } = decision.identity;
      const bodies: Body[] = (["sent", "received"] as const).map((direction) => ({
        meta: { ...of, direction, session, project },
        chunks: [],
        bytes: 0,
      }));
      const [request, reply] = bodies as [Body, Body];
      let isOpen = !isDead;
      if (isOpen) take(request, sent);
      return {
        received(chunk) {
          if (isOpen) take(reply, chunk);
        },
        end() {
          if (!isOpen) return;
          isOpen = false;
          if (held <= maxHeldBytes) waiting.push(...bodies.filter((body) => body.bytes > 0));
          else {
            full += bodies.length;
            held -= request.bytes + reply.bytes;
          }
        },
      };
    },
    get dropped() {
      return { full, unsent };
    },
    async close(timeoutMs) {
      clearInterval(timer);
      send();
      if (posted > 0 && !isDead) {
        await new Promise<void>((resolve) => {
          const late = setTimeout(resolve, timeoutMs);
          onIdle = () => {
            clearTimeout(late);
            resolve();
          };
        });
      }
      await worker.terminate();
    },
  };
}
