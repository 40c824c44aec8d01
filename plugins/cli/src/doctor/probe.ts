import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "@signalbox/local";
import { RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import { formatTraceparent } from "@signalbox/otel/trace-context";
import { defaultModel } from "../models.ts";
import type { ReadApi, SpanRow } from "../read-api.ts";

/** One real request, and how to find its span again. */
export interface Probe {
  sessionId: string;
  traceId: string;
  model: string;
  pool: string | undefined;
  ms: number;
}

/**
 * Sends one small request through the scheduler, in a session of its own.
 * @throws SetupError with the scheduler's refusal.
 */
export async function sendProbe(schedulerUrl: string, key: string | undefined): Promise<Probe> {
  const model = await defaultModel(schedulerUrl, key);
  const traceId = randomBytes(16).toString("hex");
  const sessionId = `signalbox-doctor-${traceId.slice(0, 8)}`;
  const startedAt = performance.now();
  const response = await fetch(new URL("/v1/chat/completions", schedulerUrl), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      [RequestHeader.traceparent]: formatTraceparent({ traceId, spanId: randomBytes(8).toString("hex"), sampled: true }),
      [RequestHeader.session]: sessionId,
      [RequestHeader.agentName]: "signalbox doctor",
      [RequestHeader.channel]: "cli",
      [RequestHeader.task]: "heartbeat",
      [RequestHeader.sla]: "background",
    },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Answer OK." }], max_tokens: 4 }),
    signal: AbortSignal.timeout(60_000),
  });
  const body = await response.text();
  if (!response.ok) throw new SetupError("probe", `the scheduler answered ${response.status}: ${body.slice(0, 300)}`);
  return { sessionId, traceId, model, pool: response.headers.get(ResponseHeader.pool) ?? undefined, ms: performance.now() - startedAt };
}

/** @returns milliseconds until the call's span was in the read API; undefined when it was not within 10 s */
export async function untilSeen(api: ReadApi, probe: Probe, timeoutMs = 10_000): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < timeoutMs) {
    const spans = await api.spans(probe.sessionId);
    if (spans.some((span) => span.trace_id === probe.traceId && span.operation === "chat")) return performance.now() - startedAt;
    await sleep(100);
  }
  return undefined;
}

/** Waits until a session's spans are `complete`, 15 s at most; its spans as they then are. */
export async function untilSession(
  api: ReadApi,
  sessionId: string,
  complete: (spans: readonly SpanRow[]) => boolean,
  timeoutMs = 15_000,
): Promise<{ complete: boolean; spans: SpanRow[] }> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const spans = await api.spans(sessionId);
    if (complete(spans)) return { complete: true, spans };
    if (performance.now() > deadline) return { complete: false, spans };
    await sleep(200);
  }
}
