import { setTimeout as sleep } from "node:timers/promises";
import type { Served, ServerSentEvent } from "./fixture-format.ts";
import { listen, parseBody, type RunningServer, readBody, wireHeaders } from "./http-server.ts";
import type { Recording } from "./recording.ts";

export interface ProviderRequest {
  /** 1-based, in order of arrival within the scenario. */
  n: number;
  method: string;
  /** Without the query. */
  path: string;
  body: Record<string, unknown>;
}

/** What to answer: JSON, or a stream of events. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  events?: ServerSentEvent[];
  /** Milliseconds before each event after the first. */
  eventDelayMs?: number;
  served?: Served;
}

/**
 * A model provider on loopback that answers as told and records each exchange.
 * `respond` is asked once a request; a client that goes away ends the stream, and the record says so.
 */
export function startScriptedServer(
  port: number,
  recording: Recording,
  respond: (request: ProviderRequest) => Reply,
): Promise<RunningServer> {
  let arrived = 0;
  return listen(port, async (request, response) => {
    arrived += 1;
    const n = arrived;
    const startedAt = recording.now();
    const body = parseBody(await readBody(request));
    const url = request.url ?? "/";
    recording.add({
      kind: "request",
      t_ms: startedAt,
      n,
      method: request.method ?? "",
      path: url,
      headers: wireHeaders(request),
      body,
    });
    const reply = respond({
      n,
      method: request.method ?? "",
      path: url.split("?")[0] ?? "/",
      body: body !== null && typeof body === "object" ? (body as Record<string, unknown>) : {},
    });

    const status = reply.status ?? 200;
    const headers = { "content-type": reply.events ? "text/event-stream" : "application/json", ...reply.headers };
    const sent: ServerSentEvent[] = [];
    const left = new AbortController();
    response.once("close", () => left.abort());
    response.writeHead(status, headers);
    if (reply.events) {
      for (const event of reply.events) {
        if (sent.length > 0) await sleep(reply.eventDelayMs ?? 5, undefined, { signal: left.signal }).catch(() => {});
        if (response.destroyed) break;
        response.write(`event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`);
        sent.push(event);
      }
    }
    const ended = response.destroyed ? "client-closed" : "complete";
    response.end(reply.events ? undefined : JSON.stringify(reply.json ?? {}));
    recording.add({
      kind: "response",
      n,
      status,
      headers,
      ...(reply.events ? { events: sent } : { body: reply.json ?? {} }),
      duration_ms: recording.now() - startedAt,
      ended,
      ...(reply.served ? { served: reply.served } : {}),
    });
  });
}
