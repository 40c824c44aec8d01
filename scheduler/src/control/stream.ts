/**
 * `GET /control/stream`: server-sent control events. Who comes back with `Last-Event-ID` gets what was missed; who comes without
 * one, or with one that is not known any more, gets a `snapshot` of all that is stopped first. Who says which key its agent's calls are made
 * with (`x-signalbox-follower-key`) is told that key's project: stops of others are none of its business.
 */

import type http from "node:http";
import { RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import type { Gatekeeper } from "../admission/keys.ts";
import { plainId, withProject } from "../admission/scoped-id.ts";
import type { AdmissionService } from "../admission/service.ts";
import { HttpError } from "../http/errors.ts";
import type { ControlEvent } from "./events.ts";
import type { ControlRequest } from "./request.ts";

const MAX_SUBSCRIBERS = 256;
/** A follower with this much unread is dropped; it comes back with its last id. */
const MAX_UNREAD_BYTES = 1 << 20;
/** Keeps middle boxes from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;

export function followEvents(
  { events, controls }: AdmissionService,
  gatekeeper: Gatekeeper,
  { request, response, query }: ControlRequest,
): void {
  if (events.subscribers >= MAX_SUBSCRIBERS) {
    throw new HttpError(429, "too_many_subscribers", `${MAX_SUBSCRIBERS} follow the stream already`, { retryAfterSeconds: 30 });
  }
  const key = request.headers[RequestHeader.followerKey];
  const project = typeof key === "string" ? gatekeeper.projectOf(key) : undefined;
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    ...(project !== undefined && { [ResponseHeader.project]: encodeURIComponent(project) }),
  });
  const lastId = request.headers["last-event-id"];
  const missed = typeof lastId === "string" ? events.since(lastId) : undefined;
  if (missed) for (const event of missed) send(response, event);
  else {
    const stopped = controls.stopped().map(({ id, state, reason }) => ({ session: plainId(id), ...withProject(id), state, reason }));
    response.write(`event: snapshot\ndata: ${JSON.stringify({ stopped })}\n\n`);
  }

  const unsubscribe = events.subscribe({
    name: query.get("subscriber")?.slice(0, 256) || undefined,
    send: (event) => send(response, event),
    end: () => response.end(),
  });
  const heartbeat = setInterval(() => response.write(":\n\n"), HEARTBEAT_MS);
  response.once("close", () => {
    clearInterval(heartbeat);
    unsubscribe();
  });
}

function send(response: http.ServerResponse, { id, type, data }: ControlEvent): boolean {
  response.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  if (response.writableLength <= MAX_UNREAD_BYTES) return true;
  response.destroy();
  return false;
}
