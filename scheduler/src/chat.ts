/** The endpoints that ask a model, in any dialect: admit → class and route → place → relay → record. */

import type { IncomingHttpHeaders } from "node:http";
import { MAX_DECISION_CANDIDATES } from "@signalbox/otel/conventions";
import { parseTraceparent } from "@signalbox/otel/trace-context";
import type { OpenTicket, Ticket } from "./admission/admission.ts";
import { type Identity, identify } from "./admission/identity.ts";
import { admitToModel, identityFor } from "./admission/keys.ts";
import type { Principal } from "./admission/principal.ts";
import { type CacheVisit, visitCache } from "./cache/reply-cache.ts";
import type { ReplyStore } from "./cache/reply-store.ts";
import type { Configured } from "./configured.ts";
import type { Baseline } from "./cost.ts";
import type { ChatRequest } from "./dialects/chat-request.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Generations } from "./generations.ts";
import { readBody } from "./http/body.ts";
import { HttpError } from "./http/errors.ts";
import type { ClientReply, Handler } from "./http/messages.ts";
import type { Log } from "./log.ts";
import type { Payloads } from "./payloads/payloads.ts";
import type { OutputLengths } from "./placement/output-lengths.ts";
import { place } from "./placement/place.ts";
import { isOneOff, offersTo } from "./pools/offers-to.ts";
import type { Offer } from "./pools/pool.ts";
import { CLIENT_CLOSED, ClientGone, openCall } from "./relay/call.ts";
import { Exchanges, fit } from "./relay/exchange.ts";
import { decisionHeaders } from "./relay/headers.ts";
import { refuse } from "./relay/refuse.ts";
import { relay } from "./relay/relay.ts";
import { slaVerdict } from "./relay/sla.ts";
import type { Intent, IntentSubject } from "./routing/intent.ts";
import { applicationsOf, carriesImages, offersTools } from "./routing/request-facts.ts";
import type { Shadows } from "./shadow/shadow.ts";
import { newSpanId, newTraceId } from "./telemetry/ids.ts";
import { type DecisionRecord, epochNow, openRecord } from "./telemetry/record.ts";

export interface ChatDependencies {
  generations: Pick<Generations, "enter">;
  admission: OpenTicket;
  replies: ReplyStore;
  shadows: Shadows;
  lengths: OutputLengths;
  /** Undefined: the bytes of calls are not kept. */
  payloads: Payloads | undefined;
  maxBodyBytes: number;
  record: (record: DecisionRecord) => void;
  log: Log;
}

/** Closed the request: nginx's status for it, and what the record says. */
const CLIENT_CLOSED_STATUS = 499;
/** What rules see as prompt size: English in the usual tokenizers. */
const BYTES_PER_TOKEN = 4;

/** The handler answers every request itself, errors too; it never rejects. */
export function createChatHandler(
  endpoint: Endpoint,
  { generations, admission, replies, shadows, lengths, payloads, maxBodyBytes, record: keep, log }: ChatDependencies,
): Handler {
  return async (request, response) => {
    const lease = generations.enter();
    const { gatekeeper, catalog, baseline, resilience, semantic } = lease.parts;
    const startedAt = epochNow();
    let record: DecisionRecord | undefined;
    let ticket: Ticket | undefined;
    let visit: CacheVisit | undefined;
    let admitted = false;
    try {
      const principal = gatekeeper.admitModel(request.headers);
      const body = readBody(request, maxBodyBytes);
      const chat = endpoint.scan(body instanceof Promise ? await body : body);
      admitToModel(principal, chat.model);
      const exchanges = new Exchanges(chat, request.url ?? "", request.headers);
      const { offers: fitting, unfit } = fit(chat, catalog.offersFor(chat.model), exchanges);
      const caller = callerOf(request.headers, chat, principal);
      const { identity } = caller;
      const oneOff = isOneOff(caller);
      const offers = offersTo(oneOff ? undefined : identity, fitting, startedAt);
      const opened = admission(principal, identity, oneOff);
      ticket = opened instanceof Promise ? await opened : opened;
      const asked = intentOf(subjectOf(request.headers, chat, principal, identity), lease.parts);
      const intent = asked instanceof Promise ? await asked : asked;
      record = decide(chat, offers, caller, intent, ticket, startedAt, baseline);
      const { explained } = record.placement;
      if (unfit.length > 0) explained.push(...unfit.slice(0, MAX_DECISION_CANDIDATES - explained.length));
      const call = openCall(request, response, chat, record, payloads);
      const route = intent.rule;
      if (route?.cache) {
        visit = await visitCache(replies, {
          ...{ route, use: intent.use, request, chat, principal },
          ...{ project: identity.project, embedder: semantic },
        });
      }
      // What is kept already costs nothing: no pool is asked.
      const chain = visit?.hit ? [] : record.placement.order.map((index) => offers[index] as Offer);
      const pricings = chain.map(({ pricing }) => pricing);
      try {
        const asks = ticket.admit(call, chain, chat);
        if (asks) await asks;
        admitted = true;
      } finally {
        // Where the budget stood when it was asked: a call that does not fit moves it.
        record.budgetState = ticket.budgetState;
      }
      record.overheadMs = epochNow() - startedAt;
      if (visit?.hit) visit.hit.answer(response, record);
      else {
        if (chain.length === 0) throw refusal(record, offers);
        visit?.listen(response);
        await relay(call, { chain, pricings, exchanges, baseline, resilience });
        if (route?.shadow && record.attempts.at(-1)?.error === undefined) shadows.copy(route, chat, request.headers, record, lease);
      }
    } catch (error) {
      fail(error, response, record, admitted);
    }
    lease.leave();
    if (!record) return;
    ticket?.end(record);
    finish(record, response);
    visit?.keep(record);
  };

  function subjectOf(headers: IncomingHttpHeaders, chat: ChatRequest, { key, role }: Principal, identity: Identity): IntentSubject {
    return {
      identity,
      headers,
      key,
      role,
      endpoint: endpoint.name,
      promptTokens: Math.ceil(chat.promptBytes / BYTES_PER_TOKEN),
      promptBytes: chat.promptBytes,
      now: Date.now(),
      tools: offersTools(chat),
      applications: () => applicationsOf(headers),
      images: () => carriesImages(chat),
      lastUserText: () => endpoint.lastUserText(chat),
    };
  }

  function decide(
    chat: ChatRequest,
    offers: readonly Offer[],
    { traceId, parentSpanId, identity }: Caller,
    intent: Intent,
    ticket: Ticket,
    startedAt: number,
    baseline: Baseline | undefined,
  ): DecisionRecord {
    const { promptBytes, maxTokens } = chat;
    const { silicon, pools, models } = intent.use;
    const expectedOutputTokens = lengths.expected(intent.route, intent.task);
    const demand = { promptBytes, maxTokens, expectedOutputTokens, minTier: intent.minTier, sla: intent.sla, silicon, pools, models };
    return openRecord({
      traceId,
      parentSpanId,
      spanId: newSpanId(),
      identity,
      intent,
      chat,
      expectedOutputTokens,
      placement: place(offers, ticket.demand(demand)),
      startedAt,
      baselineModel: baseline?.model,
      budgetState: ticket.budgetState,
      admissionHeaders: ticket.headers,
    });
  }

  function fail(error: unknown, response: ClientReply, record: DecisionRecord | undefined, admitted: boolean): void {
    if (!(error instanceof HttpError) && !(error instanceof ClientGone)) {
      log.error("request failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    if (record) {
      record.status = error instanceof ClientGone ? CLIENT_CLOSED_STATUS : error instanceof HttpError ? error.status : 500;
      record.error =
        error instanceof ClientGone ? CLIENT_CLOSED : error instanceof HttpError ? (error.code ?? String(error.status)) : "internal_error";
      if (!admitted && error instanceof HttpError) record.refusal = error.message;
      if (!record.judged) record.slaMet = admitted ? unservedVerdict(record) : undefined;
    }
    if (!response.destroyed) refuse(endpoint.dialect, response, error, record && decisionHeaders(record, record.attempts.at(-1)));
  }

  function finish(record: DecisionRecord, response: ClientReply): void {
    const last = record.attempts.at(-1);
    record.endedAt = epochNow();
    record.status ||= response.statusCode;
    record.error ??= last?.error;
    if (last?.usage && last.error === undefined) lengths.observe(record.intent.route, record.intent.task, last.usage.output);
    keep(record);
  }
}

/** Waits for a vector only where a route that may come first asks for one. */
function intentOf(subject: IntentSubject, { classifier, semantic }: Configured): Intent | Promise<Intent> {
  if (!semantic || !classifier.needsLikeness(subject)) return classifier.classify(subject);
  return semantic.likeness(subject.lastUserText()).then((likeness) => classifier.classify(subject, likeness));
}

function unservedVerdict({ intent, startedAt, status, error, stream }: DecisionRecord): boolean | undefined {
  return slaVerdict(
    intent.sla,
    { startedAt, firstChunkAt: undefined, endedAt: epochNow(), outputTokens: undefined },
    { status, error, stream },
  );
}

interface Caller {
  traceId: string;
  parentSpanId: string | undefined;
  identity: Identity;
}

/** @throws HttpError 403 where a header claims another project or user than the key's */
function callerOf(headers: IncomingHttpHeaders, chat: ChatRequest, principal: Principal): Caller {
  const parent = parseTraceparent(headers.traceparent as string | undefined);
  const traceId = parent?.traceId ?? newTraceId();
  return { traceId, parentSpanId: parent?.spanId, identity: identityFor(principal, identify(headers, chat, traceId)) };
}

/** Nobody can take it: 429 where waiting can help, else 503, with the reason of each pool. */
function refusal({ placement, requestModel }: DecisionRecord, offers: readonly Offer[]): HttpError {
  const why = placement.explained.map((candidate) => `${candidate.pool}: ${candidate.rejected}`).join("; ");
  const waits = offers.map(({ source }) => source.breaker.waitMs).filter((ms) => ms > 0);
  const retry = { retryAfterSeconds: waits.length === 0 ? 1 : Math.max(1, Math.ceil(Math.min(...waits) / 1000)) };
  if (placement.overloaded) return new HttpError(429, "pool_queue_full", `every pool for ${requestModel} is full (${why})`, retry);
  if (offers.some(({ source }) => source.breaker.resting)) {
    return new HttpError(429, "pool_rate_limited", `no pool for ${requestModel} takes calls now (${why})`, retry);
  }
  return new HttpError(503, "no_feasible_pool", `no pool can serve ${requestModel} now (${why})`, retry);
}
