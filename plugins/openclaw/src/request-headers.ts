import diagnosticsChannel from "node:diagnostics_channel";
import { RequestHeader } from "@signalbox/otel/conventions";
import { parseTraceparent } from "@signalbox/otel/trace-context";
import { type HostObject, object, text } from "./host-values.ts";
import type { Mapper } from "./map.ts";
import type { Owner } from "./spans/turn.ts";

/**
 * Says to the scheduler who asks: adds our headers to requests to its origin, and to no other, as undici makes them.
 *
 * undici announces every request of the process on a diagnostics channel before it is sent, whichever client made it; OpenClaw
 * has put its `traceparent` on it by then. A listener that throws there is reported as an uncaught exception: none may.
 */
export function addRequestHeaders(schedulerUrl: string, mapper: Pick<Mapper, "requestStarted" | "responseStarted">): () => void {
  const origin = new URL(schedulerUrl).origin;
  const spanIds = new WeakMap<object, string>();

  const onCreate = guarded((message) => {
    const { request } = message;
    if (!isUndiciRequest(request) || String(request.origin) !== origin) return;
    const spanId = parseTraceparent(headerOf(request.headers, RequestHeader.traceparent))?.spanId;
    if (spanId !== undefined) spanIds.set(request, spanId);
    const who = mapper.requestStarted(spanId, activeScope());
    if (who === undefined) return;
    for (const [name, value] of Object.entries(headersFor(who))) request.addHeader(name, value);
  });
  const onHeaders = guarded((message) => {
    const { request } = message;
    const spanId = request !== null && typeof request === "object" ? spanIds.get(request) : undefined;
    if (spanId !== undefined) mapper.responseStarted(spanId, readHeaders(object(message.response).headers));
  });

  diagnosticsChannel.subscribe("undici:request:create", onCreate);
  diagnosticsChannel.subscribe("undici:request:headers", onHeaders);
  return () => {
    diagnosticsChannel.unsubscribe("undici:request:create", onCreate);
    diagnosticsChannel.unsubscribe("undici:request:headers", onHeaders);
  };
}

/** The headers of one request. The class is named only where it is sure that a person waits; else the scheduler's rules decide. */
export function headersFor({ identity, turnId }: Owner): Record<string, string> {
  const values: [string, string | undefined][] = [
    [RequestHeader.session, identity.sessionId],
    [RequestHeader.agent, identity.agentId],
    [RequestHeader.parentAgent, identity.parentAgentId],
    [RequestHeader.agentName, identity.agentName],
    [RequestHeader.agentKind, "openclaw"],
    [RequestHeader.turn, turnId],
    [RequestHeader.channel, identity.channel],
    [RequestHeader.task, identity.task],
    [RequestHeader.sla, identity.humanWaits ? "interactive" : undefined],
  ];
  return Object.fromEntries(values.flatMap(([name, value]) => (value === undefined ? [] : [[name, headerValue(value)]])));
}

/** Visible ASCII only: a sub-agent's label is what a model wrote. */
const headerValue = (value: string) => value.slice(0, 256).replace(/[^\x21-\x7e]+/g, "_");

interface UndiciRequest {
  origin: unknown;
  headers: unknown;
  addHeader(name: string, value: string): void;
}

const isUndiciRequest = (value: unknown): value is UndiciRequest => typeof object(value).addHeader === "function";

const guarded = (handle: (message: HostObject) => void) => (message: unknown) => {
  try {
    handle(object(message));
  } catch {
    // The request goes out without our headers.
  }
};

/** The span of the run that OpenClaw is in on this asynchronous stack; its own trace scope, which it keeps on globalThis. */
function activeScope(): string | undefined {
  const state = object((globalThis as Record<symbol, unknown>)[Symbol.for("openclaw.diagnosticTraceScope.state.v1")]);
  const storage = state.storage as { getStore?(): unknown } | undefined;
  return text(object(storage?.getStore?.()).spanId);
}

/** undici keeps headers as `[name, value, …]`, in older versions as one string of lines. */
function headerOf(headers: unknown, name: string): string | undefined {
  const list = typeof headers === "string" ? headers.split(/\r\n|: /) : Array.isArray(headers) ? headers : [];
  const index = list.findIndex((one, at) => at % 2 === 0 && String(one).toLowerCase() === name);
  return index < 0 ? undefined : String(list[index + 1]);
}

function readHeaders(headers: unknown): Record<string, string> {
  const list: unknown[] = Array.isArray(headers) ? headers : [];
  const read: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = String(list[at]).toLowerCase();
    if (name.startsWith("x-signalbox-")) read[name] = String(list[at + 1]);
  }
  return read;
}
