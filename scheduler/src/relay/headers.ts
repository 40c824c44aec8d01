/** Which headers pass the relay, and which it adds. */

import type { IncomingHttpHeaders } from "node:http";
import { RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import type { Upstream } from "../pools/connection.ts";
import type { AttemptRecord, DecisionRecord } from "../telemetry/record.ts";

const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authenticate",
  "proxy-authorization",
];

/** The client's keys and cookies are for us; the engine answers uncompressed, so that usage can be read. */
const NOT_SENT = new Set([
  ...HOP_BY_HOP,
  "host",
  "content-length",
  "expect",
  "authorization",
  "x-api-key",
  "chatgpt-account-id",
  "cookie",
  "origin",
  "referer",
  "accept-encoding",
  "traceparent",
  "tracestate",
]);
/** What a caller's own credentials are made of: a key or login, and the account that it is for. */
const CREDENTIALS = ["authorization", "x-api-key", "chatgpt-account-id"];
const NOT_RETURNED = new Set([...HOP_BY_HOP, "content-length", "date"]);
const OWN_PREFIX = "x-signalbox-";

/** The keys on this request are the caller's own at a vendor, and none of ours. */
export const bringsCredentials = (headers: IncomingHttpHeaders): boolean => headers[RequestHeader.credentials] === "caller";

/** What tells one caller with credentials of its own from another; undefined where the request brings none. A secret: only its digest is kept. */
export const callerOfCredentials = (headers: IncomingHttpHeaders): string | undefined =>
  bringsCredentials(headers) ? JSON.stringify(CREDENTIALS.map((name) => headers[name] ?? null)) : undefined;

/** Names and values in turn, as undici takes them. */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { authorization, callerCredentials }: Pick<Upstream, "authorization" | "callerCredentials">,
  record: Pick<DecisionRecord, "traceId">,
  spanId: string,
): string[] {
  const sent: string[] = ["traceparent", `00-${record.traceId}-${spanId}-01`];
  if (callerCredentials && bringsCredentials(headers)) {
    for (const name of CREDENTIALS) if (typeof headers[name] === "string") sent.push(name, headers[name]);
  } else if (authorization !== undefined) sent.push("authorization", authorization);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || NOT_SENT.has(name) || name.startsWith(OWN_PREFIX)) continue;
    sent.push(name, typeof value === "string" ? value : value.join(", "));
  }
  return sent;
}

/** The engine's own headers that pass. */
export function replyable(engine: IncomingHttpHeaders): Record<string, string | string[]> {
  const reply: Record<string, string | string[]> = {};
  for (const name in engine) {
    const value = engine[name];
    if (value !== undefined && !NOT_RETURNED.has(name)) reply[name] = value;
  }
  return reply;
}

/** The engine's own headers and the decision's. The client's request id is the engine's where it has one. */
export function replyHeaders(
  engine: IncomingHttpHeaders,
  record: DecisionRecord,
  attempt: AttemptRecord,
): Record<string, string | string[]> {
  const reply = replyable(engine);
  reply[ResponseHeader.requestId] ??= record.decisionId;
  addDecision(reply, record, attempt);
  return reply;
}

export function decisionHeaders(record: DecisionRecord, attempt: AttemptRecord | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  addDecision(headers, record, attempt);
  return headers;
}

function addDecision(headers: Record<string, string | string[]>, record: DecisionRecord, attempt: AttemptRecord | undefined): void {
  headers[ResponseHeader.decision] = record.decisionId;
  headers[ResponseHeader.route] = record.intent.route;
  headers[ResponseHeader.traceresponse] = `00-${record.traceId}-${record.spanId}-01`;
  for (const name in record.admissionHeaders) headers[name] = record.admissionHeaders[name] as string;
  if (!attempt) return;
  const { pool, silicon, tier } = attempt.offer;
  headers[ResponseHeader.pool] = pool;
  headers[ResponseHeader.silicon] = silicon;
  headers[ResponseHeader.tier] = String(tier);
}
