/** Answers what was answered before, for the routes that say so: the same request, or one that means the same. */

import { ResponseHeader } from "@signalbox/otel/conventions";
import type { Principal } from "../admission/principal.ts";
import type { RouteConfig } from "../config/schema.ts";
import type { ChatRequest } from "../dialects/chat-request.ts";
import { type Captured, capture } from "../http/capture.ts";
import type { ClientReply, ClientRequest } from "../http/messages.ts";
import { callerOfCredentials, decisionHeaders } from "../relay/headers.ts";
import type { Embedder } from "../routing/semantic/embedder.ts";
import type { Vector } from "../routing/semantic/vectors.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import { type CacheScope, exactKey, isCacheable, lastMessage } from "./cacheable.ts";
import { cacheDirectives } from "./directives.ts";
import type { KeptReply, ReplyStore } from "./reply-store.ts";

/** One request before the cache. */
export interface CacheVisit {
  /** What was found; `answer` sends it. */
  hit: { answer(response: ClientReply, record: DecisionRecord): void } | undefined;
  /** Where nothing was found: begins to keep the reply. Before anything is written. */
  listen(response: ClientReply): void;
  /** The call has ended. */
  keep(record: DecisionRecord): void;
}

export interface CacheQuestion {
  route: RouteConfig;
  /** Of the route and its variant: a reply of one variant is none of another. */
  use: RouteConfig["use"];
  request: ClientRequest;
  chat: ChatRequest;
  principal: Principal;
  project: string | undefined;
  embedder: Embedder | undefined;
}

/** @returns undefined where the route keeps no replies, or none to such a request */
export async function visitCache(store: ReplyStore, question: CacheQuestion, now = Date.now): Promise<CacheVisit | undefined> {
  const { route, use, request, chat, principal, project, embedder } = question;
  const { cache } = route;
  const { read, write, maxAgeSeconds } = cacheDirectives(request.headers);
  if (!cache || !(read || write) || !isCacheable(chat, cache)) return undefined;
  const scope: CacheScope = {
    route: JSON.stringify([route.name, use]),
    key: principal.key,
    caller: callerOfCredentials(request.headers),
    project,
    url: request.url ?? "",
    beta: String(request.headers["anthropic-beta"] ?? ""),
  };
  const key = exactKey(chat, scope);
  const freshSince = now() - Math.min(cache.ttl_seconds, maxAgeSeconds) * 1000;
  const exact = read ? store.get(key, freshSince) : undefined;
  let meaning: { group: string; vector: Vector } | undefined;
  let found: { reply: KeptReply; score: number } | undefined = exact && { reply: exact, score: 1 };
  if (!found && cache.kind === "semantic" && embedder) {
    const last = lastMessage(chat, scope);
    const vector = last && (await embedder.embed(last.text));
    if (vector && !("skipped" in vector)) {
      meaning = { group: last.group, vector };
      if (read) found = store.nearest(last.group, vector, cache.threshold, freshSince);
    }
  }

  let captured: Captured | undefined;
  return {
    hit: found && {
      answer(response, record) {
        const ageSeconds = Math.max(0, (now() - found.reply.storedAt) / 1000);
        const { usage: savedUsage, costNanousd: savedNanousd } = found.reply;
        record.cached = { kind: exact ? "exact" : "semantic", ageSeconds, score: found.score, savedNanousd, savedUsage };
        record.slaMet = true;
        replay(found.reply, response, record, ageSeconds);
      },
    },
    listen(response) {
      response.setHeader(ResponseHeader.cache, "miss");
      if (write) captured = capture(response, store.maxEntryBytes);
    },
    keep(record) {
      const attempt = record.attempts.at(-1);
      const whole = chat.operation === "embeddings" || attempt?.finishReason === "stop";
      if (!captured?.body || captured.status !== 200 || record.error !== undefined || !attempt || !whole) return;
      store.put(key, {
        contentType: captured.contentType,
        body: withoutOutcome(captured.body),
        storedAt: now(),
        usage: attempt.usage,
        costNanousd: attempt.costNanousd,
        meaning,
      });
    },
  };
}

/** Where the relay says what a stream cost, at its end. */
const OUTCOME = Buffer.from(": signalbox cost_nanousd=");
const EVENT_END = Buffer.from("\n\n");
/** Chat clients stop reading at [DONE]. */
const CHAT_END = Buffer.from("data: [DONE]\n\n");

function withoutOutcome(body: Buffer): Buffer {
  const at = body.lastIndexOf(OUTCOME);
  if (at < 0) return body;
  return Buffer.concat([body.subarray(0, at), body.subarray(body.indexOf(EVENT_END, at) + EVENT_END.length)]);
}

/** A stream comes as the events that it was, with what it cost this time: nothing. */
function replay({ contentType, body }: KeptReply, response: ClientReply, record: DecisionRecord, ageSeconds: number): void {
  const headers: Record<string, string> = {
    "content-type": contentType,
    ...decisionHeaders(record, undefined),
    [ResponseHeader.requestId]: record.decisionId,
    [ResponseHeader.cache]: record.cached?.kind ?? "",
    age: String(Math.floor(ageSeconds)),
  };
  if (!contentType.startsWith("text/event-stream")) {
    const length = String(body.length);
    response.writeHead(200, { ...headers, "content-length": length, [ResponseHeader.costNanousd]: "0", [ResponseHeader.slaMet]: "true" });
    response.end(body);
    return;
  }
  response.writeHead(200, headers);
  const end = body.subarray(-CHAT_END.length).equals(CHAT_END) ? body.length - CHAT_END.length : body.length;
  response.write(body.subarray(0, end));
  response.write(": signalbox cost_nanousd=0 sla_met=true\n\n");
  response.end(body.subarray(end));
}
