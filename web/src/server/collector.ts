import type { z } from "zod";
import { controlRequest } from "./control-request.ts";
import { environment } from "./environment.ts";
import { requireWholeInstall } from "./project-scope.ts";
import { InvalidParameter, NotFound } from "./refusal.ts";

/** A preview over weeks reads many spans; a test of a channel waits for its receiver. */
const TIMEOUT_MS = 35_000;

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
