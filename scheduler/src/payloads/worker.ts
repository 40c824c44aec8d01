/** The thread that redacts bodies of calls and sends them to the collector as log records, a batch at a time. */

import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { exportRequest } from "./log-records.ts";
import type { PayloadBatch, PayloadReceipt, PayloadWorkerOptions } from "./protocol.ts";

const TRIES = 5;
const FIRST_RETRY_MS = 250;
const TIMEOUT_MS = 10_000;
const RETRYABLE = new Set([429, 502, 503, 504]);

const { endpoint, token } = workerData as PayloadWorkerOptions;
const url = `${endpoint.replace(/\/+$/, "")}/v1/logs`;
const headers = { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) };

let last = Promise.resolve();
parentPort?.on("message", (batch: PayloadBatch) => {
  last = last.then(async () => {
    const reason = await deliver(exportRequest(batch));
    const receipt: PayloadReceipt = {
      bytes: batch.bytes.byteLength,
      bodies: batch.bodies.length,
      isSent: reason === undefined,
      ...(reason !== undefined && { reason }),
    };
    parentPort?.postMessage(receipt);
  });
});

/** @returns why it was not sent */
async function deliver(body: string): Promise<string | undefined> {
  let reason = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await sleep(FIRST_RETRY_MS * 2 ** (attempt - 1));
    try {
      const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      await answer.arrayBuffer();
      if (answer.ok) return undefined;
      reason = `HTTP ${answer.status}`;
      if (!RETRYABLE.has(answer.status)) return reason;
    } catch (error) {
      const { message, cause } = error as Error;
      reason = cause instanceof Error ? cause.message : message;
    }
  }
  return reason;
}
