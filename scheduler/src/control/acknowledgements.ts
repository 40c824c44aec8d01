/** `POST /control/acks`: a follower of the stream says what it did about an event. */

import { z } from "zod";
import { HttpError } from "../http/errors.ts";
import { sendJson } from "../http/send.ts";
import type { ControlEvents } from "./events.ts";
import { readJson } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

const body = z.strictObject({
  /** The event's id. */
  event: z.string().max(64),
  /** As in `GET /control/stream?subscriber=…`. */
  subscriber: z.string().min(1).max(256),
  outcome: z.enum(["stopped", "absent", "failed"]),
  detail: z.string().max(500).optional(),
});

export async function acceptAcknowledgement(events: ControlEvents, { request, response }: ControlRequest): Promise<void> {
  const { event, detail, ...acknowledgement } = await readJson(request, body);
  if (!events.acknowledge(event, { ...acknowledgement, ...(detail !== undefined && { detail }) })) {
    throw new HttpError(404, "unknown_event", `there is no event ${event}, or no longer`, { param: "event" });
  }
  sendJson(response, 200, { event });
}
