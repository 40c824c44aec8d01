import { z } from "zod";
import { DestinationStatus } from "../api/settings.ts";
import { controlRequest } from "./control-request.ts";
import { environment } from "./environment.ts";
import { requireWholeInstall } from "./project-scope.ts";
import { InvalidParameter, NotFound } from "./refusal.ts";

/** A preview over weeks reads many spans; a test of a channel waits for its receiver. */
const TIMEOUT_MS = 35_000;

/** It answers from memory; a page does not wait for one that is away. */
const STATUS_TIMEOUT_MS = 500;
const Status = z.object({ fan_out: z.array(DestinationStatus) });

/** The destinations that spans are passed on to, as this collector has them; none where it does not say. */
export async function fanOutStatus(): Promise<DestinationStatus[]> {
  const options = { method: "GET", body: undefined, timeoutMs: STATUS_TIMEOUT_MS } as const;
  const answer = await controlRequest(environment.collectorUrl(), "/status", options).catch(() => undefined);
  return Status.safeParse(answer?.body).data?.fan_out ?? [];
}

/** The collector cannot be reached, said nothing in time, or cannot do it now. */
export class CollectorUnavailable extends Error {
  override name = "CollectorUnavailable";
}

/**
 * Asks the collector, which alone writes to the database, for a change. `path` begins with `/control/`.
 * Throws CollectorUnavailable, and what the caller did wrong as InvalidParameter or NotFound.
 */
export async function askCollector<T>(path: string, schema: z.ZodType<T>, body: object): Promise<T> {
  requireWholeInstall();
  const options = { method: "POST", body, timeoutMs: TIMEOUT_MS } as const;
  const {
    ok,
    status,
    body: answer,
    refusal,
  } = await controlRequest(environment.collectorUrl(), path, options).catch((error: Error) => {
    throw new CollectorUnavailable(error.message);
  });
  const message = refusal.message ?? `${path} answered ${status}`;
  if (status === 400 && refusal.field !== undefined) throw new InvalidParameter(refusal.field, message.slice(refusal.field.length + 2));
  if (status === 404) throw new NotFound(message);
  if (!ok) throw new CollectorUnavailable(message);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CollectorUnavailable(`${path} answered a shape this dashboard does not know`);
}
