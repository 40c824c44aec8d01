import type { z } from "zod";
import { controlRequest } from "./control-request.ts";
import { environment } from "./environment.ts";
import { requireWholeInstall } from "./project-scope.ts";

/** The scheduler answers in milliseconds; a kill waits for its upstreams to close and its agents to say so. */
const TIMEOUT_MS = 8_000;

/** The scheduler cannot be reached, or said nothing in time. */
export class SchedulerUnavailable extends Error {
  override name = "SchedulerUnavailable";
}
/** The scheduler answered, with a refusal or with something this dashboard does not know. */
export class SchedulerRefused extends Error {
  override name = "SchedulerRefused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * One request to the scheduler's control API, with the admin token that browsers never see. `path` begins with `/control/`.
 * Throws SchedulerUnavailable or SchedulerRefused.
 */
export async function askScheduler<T>(
  path: string,
  schema: z.ZodType<T>,
  { method = "GET", body, timeoutMs = TIMEOUT_MS }: { method?: "GET" | "POST"; body?: object; timeoutMs?: number } = {},
): Promise<T> {
  requireWholeInstall();
  const options = { method, body, timeoutMs };
  const {
    ok,
    status,
    body: answer,
    refusal,
  } = await controlRequest(environment.schedulerUrl(), path, options).catch((error: Error) => {
    throw new SchedulerUnavailable(error.message, { cause: error.cause });
  });
  if (!ok) throw new SchedulerRefused(status, refusal.message ?? `${path} answered ${status}`);
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new SchedulerRefused(
      status,
      `${path} answered a shape this dashboard does not know, at ${parsed.error.issues[0]?.path.join(".") || "its top"}`,
    );
  return parsed.data;
}
