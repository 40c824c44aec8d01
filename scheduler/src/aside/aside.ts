/**
 * Calls that the scheduler makes for itself: copies of requests, vectors for matching. They go the way of a client's call (slots,
 * prices, translation, a decision record), without a client.
 */

import http, { type IncomingHttpHeaders } from "node:http";
import { Socket } from "node:net";
import type { AdmitAside } from "../admission/aside.ts";
import type { Identity } from "../admission/identity.ts";
import type { Baseline } from "../cost.ts";
import type { ChatRequest } from "../dialects/chat-request.ts";
import { capture } from "../http/capture.ts";
import { HttpError } from "../http/errors.ts";
import type { Payloads } from "../payloads/payloads.ts";
import { FIRST_GUESS_TOKENS } from "../placement/output-lengths.ts";
import type { Offer } from "../pools/pool.ts";
import { cancel, openCall } from "../relay/call.ts";
import { Exchanges } from "../relay/exchange.ts";
import { relay } from "../relay/relay.ts";
import { ONE_ATTEMPT } from "../resilience/policy.ts";
import type { Intent } from "../routing/intent.ts";
import { newSpanId, newTraceId } from "../telemetry/ids.ts";
import { type DecisionRecord, epochNow, openRecord } from "../telemetry/record.ts";

/** Of the scheduler's own calls: a session of their own, so that no agent pays for them. */
export const asideIdentity = (name: string, project: string | undefined): Identity => ({
  session: `signalbox:${name}`,
  agent: `signalbox:${name}`,
  parentAgent: undefined,
  depth: 0,
  agentName: name,
  agentKind: "other",
  turn: undefined,
  channel: undefined,
  task: undefined,
  user: undefined,
  project,
  key: undefined,
});

export interface AsideCall {
  chat: ChatRequest;
  /** Of the request that is copied; `{}` for one of our own. */
  headers: IncomingHttpHeaders;
  identity: Identity;
  offer: Offer;
  /** Holds its cost against the budgets it counts for. */
  admit: AdmitAside;
  /** Called when a budget has room for it, before it is sent. */
  onAdmitted?: () => void;
  /** The rule that asked for it. */
  route: string;
  reason: string;
  baseline: Baseline | undefined;
  /** The decision whose request this copies. */
  shadowOf?: string;
  /** `false`: see `RelayOptions`. */
  learns?: boolean;
  /** Of the reply that is kept; what grows beyond is lost. */
  maxReplyBytes: number;
  signal?: AbortSignal;
  /** Keeps the bytes; undefined where they are not kept. */
  payloads?: Payloads | undefined;
  record: (record: DecisionRecord) => void;
}

export interface AsideReply {
  status: number;
  body: Buffer | undefined;
  record: DecisionRecord;
}

/** Never rejects: what went wrong is in the record. */
export async function callAside(options: AsideCall): Promise<AsideReply> {
  const { chat, offer, route, reason, shadowOf, signal } = options;
  const intent: Intent = {
    task: undefined,
    sla: { class: "background" },
    minTier: 0,
    route,
    rule: undefined,
    routeReason: reason,
    semanticScore: undefined,
    use: {},
  };
  const { pool, model, silicon } = offer;
  const record = openRecord({
    traceId: newTraceId(),
    parentSpanId: undefined,
    spanId: newSpanId(),
    identity: options.identity,
    intent,
    chat,
    expectedOutputTokens: chat.maxTokens ?? FIRST_GUESS_TOKENS,
    placement: { order: [0], feasible: true, overloaded: false, reason, explained: [{ pool, model, silicon, chosen: true }] },
    startedAt: epochNow(),
    baselineModel: options.baseline?.model,
    shadowOf,
  });
  const request = new http.IncomingMessage(new Socket());
  request.headers = options.headers;
  const response = new http.ServerResponse(request);
  const reply = capture(response, options.maxReplyBytes, false);
  const call = openCall(request, response, chat, record, options.payloads);
  const stop = () => cancel(call, new HttpError(504, "aside_timeout", "it took too long"));
  signal?.addEventListener("abort", stop, { once: true });
  let settle: (() => void) | undefined;
  const pricings = [offer.pricing];
  try {
    settle = await options.admit(record, offer, chat);
    options.onAdmitted?.();
    const exchanges = new Exchanges(chat, "", options.headers);
    const unfit = exchanges.unfit(offer);
    if (unfit) throw unfit;
    const { baseline, learns = true } = options;
    await relay(call, { chain: [offer], pricings, exchanges, baseline, resilience: ONE_ATTEMPT, learns });
    record.status = reply.status;
  } catch (error) {
    record.status = error instanceof HttpError ? error.status : 500;
    record.error = error instanceof HttpError ? (error.code ?? String(error.status)) : "internal_error";
  } finally {
    signal?.removeEventListener("abort", stop);
    settle?.();
  }
  record.endedAt = epochNow();
  record.error ??= record.attempts.at(-1)?.error;
  options.record(record);
  return { status: record.status, body: reply.body, record };
}
