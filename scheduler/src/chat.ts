/** The endpoints that ask a model, in any dialect: admit → class and route → place → relay → record. */

import type http from "node:http";
import { RequestHeader } from "@signalbox/otel/conventions";
import { parseTraceparent } from "@signalbox/otel/trace-context";
import type { OpenTicket, Ticket } from "./admission/admission.ts";
import { type Identity, identify } from "./admission/identity.ts";
import { admitToModel, type Gatekeeper, identityFor } from "./admission/keys.ts";
import type { Catalog } from "./catalog.ts";
import type { Baseline } from "./cost.ts";
import type { ChatRequest } from "./dialects/chat-request.ts";
import type { Endpoint } from "./endpoints.ts";
import { readBody } from "./http/body.ts";
import { HttpError } from "./http/errors.ts";
import type { Log } from "./log.ts";
import { place } from "./placement/place.ts";
import type { Offer } from "./pools/pool.ts";
import { ClientGone, openCall } from "./relay/call.ts";
import { exchangesFor, fit } from "./relay/exchange.ts";
import { decisionHeaders } from "./relay/headers.ts";
import { refuse } from "./relay/refuse.ts";
import { relay } from "./relay/relay.ts";
import type { Classifier } from "./routing/intent.ts";
import { newSpanId, newTraceId } from "./telemetry/ids.ts";
import { type DecisionRecord, epochNow } from "./telemetry/record.ts";

export interface ChatDependencies {
  gatekeeper: Gatekeeper;
  admission: OpenTicket;
  catalog: Catalog;
  classify: Classifier;
  baseline: Baseline | undefined;
  maxBodyBytes: number;
  record: (record: DecisionRecord) => void;
  log: Log;
}

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>;

/** Closed the request: nginx's status for it, and what the record says. */
const CLIENT_CLOSED = 499;
/** What rules see as prompt size: English in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;
const FIRST_GUESS_OUTPUT_TOKENS = 256;
const OUTPUT_WEIGHT = 0.05;

/** The handler answers every request itself, errors too; it never rejects. */
export function createChatHandler(
  { dialect, scan, lastUserText }: Endpoint,
  { gatekeeper, admission, catalog, classify, baseline, maxBodyBytes, record: keep, log }: ChatDependencies,
): Handler {
  let expectedOutputTokens = FIRST_GUESS_OUTPUT_TOKENS;

  return async (request, response) => {
    const startedAt = epochNow();
    let record: DecisionRecord | undefined;
    let ticket: Ticket | undefined;
    try {
      const principal = gatekeeper.admitModel(request.headers);
      const chat = scan(await readBody(request, maxBodyBytes));
      admitToModel(principal, chat.model);
      const exchanges = exchangesFor(chat, request.url ?? "");
      const { offers, unfit } = fit(chat, catalog.offersFor(chat.model), exchanges);
      const caller = callerOf(request.headers, chat);
      const identity = identityFor(principal, caller.identity);
      ticket = await admission(principal, identity);
      record = decide(request.headers, chat, offers, { ...caller, identity }, ticket, startedAt);
      record.placement.explained.push(...unfit);
      const call = openCall(request, response, chat, record);
      const chain = record.placement.order.map((index) => offers[index] as Offer);
      await ticket.admit(call, chain, chat).finally(() => noteBudget(record, ticket));
      if (record.placement.order.length === 0) throw refusal(record);
      record.overheadMs = epochNow() - startedAt;
      await relay(call, offers, exchanges, baseline);
    } catch (error) {
      fail(error, response, record);
    }
    if (!record) return;
    ticket?.end(record);
    finish(record, response);
  };

  function decide(
    headers: http.IncomingHttpHeaders,
    chat: ChatRequest,
    offers: readonly Offer[],
    { traceId, parentSpanId, identity }: Caller,
    ticket: Ticket,
    startedAt: number,
  ): DecisionRecord {
    const intent = classify({
      identity,
      slaHeader: headers[RequestHeader.sla] as string | undefined,
      promptTokens: Math.ceil(chat.promptBytes / BYTES_PER_TOKEN),
      lastUserText: () => lastUserText(chat),
    });
    const { promptBytes, maxTokens } = chat;
    const { silicon, pools, models } = intent.use;
    const demand = { promptBytes, maxTokens, expectedOutputTokens, minTier: intent.minTier, sla: intent.sla, silicon, pools, models };
    return {
      traceId,
      parentSpanId,
      spanId: newSpanId(),
      identity,
      intent,
      operation: chat.operation,
      requestModel: chat.model,
      stream: chat.stream,
      maxTokens,
      placement: place(offers, ticket.demand(demand)),
      startedAt,
      endedAt: 0,
      queueMs: 0,
      overheadMs: 0,
      status: 0,
      error: undefined,
      slaMet: false,
      baselineModel: baseline?.model,
      budgetState: ticket.budgetState,
      admissionHeaders: ticket.headers,
      attempts: [],
    };
  }

  function fail(error: unknown, response: http.ServerResponse, record: DecisionRecord | undefined): void {
    if (!(error instanceof HttpError) && !(error instanceof ClientGone)) {
      log.error("request failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    if (record) {
      record.status = error instanceof ClientGone ? CLIENT_CLOSED : error instanceof HttpError ? error.status : 500;
      record.error =
        error instanceof ClientGone
          ? "client_closed"
          : error instanceof HttpError
            ? (error.code ?? String(error.status))
            : "internal_error";
    }
    if (!response.destroyed) refuse(dialect, response, error, record && decisionHeaders(record, record.attempts.at(-1)));
  }

  function finish(record: DecisionRecord, response: http.ServerResponse): void {
    const last = record.attempts.at(-1);
    record.endedAt = epochNow();
    record.status ||= response.statusCode;
    record.error ??= last?.error;
    if (last?.usage && last.error === undefined) expectedOutputTokens += OUTPUT_WEIGHT * (last.usage.output - expectedOutputTokens);
    keep(record);
  }
}

interface Caller {
  traceId: string;
  parentSpanId: string | undefined;
  identity: Identity;
}

function callerOf(headers: http.IncomingHttpHeaders, chat: ChatRequest): Caller {
  const parent = parseTraceparent(headers.traceparent as string | undefined);
  const traceId = parent?.traceId ?? newTraceId();
  return { traceId, parentSpanId: parent?.spanId, identity: identify(headers, chat, traceId) };
}

/** Where the budget stood when it was asked: a call that does not fit moves it. */
function noteBudget(record: DecisionRecord | undefined, ticket: Ticket | undefined): void {
  if (record && ticket) record.budgetState = ticket.budgetState;
}

/** Nobody can take it: 429 where waiting can help, else 503, with the reason of each pool. */
function refusal({ placement, requestModel }: DecisionRecord): HttpError {
  const why = placement.explained.map((candidate) => `${candidate.pool}: ${candidate.rejected}`).join("; ");
  const retry = { retryAfterSeconds: 1 };
  if (placement.overloaded) return new HttpError(429, "pool_queue_full", `every pool for ${requestModel} is full (${why})`, retry);
  return new HttpError(503, "no_feasible_pool", `no pool can serve ${requestModel} now (${why})`, retry);
}
