import type { z } from "zod";
import { environment } from "./environment.ts";

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
  const base = environment.schedulerUrl();
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(new URL(path, base), {
      method,
      headers: { authorization: `Bearer ${environment.token()}`, ...(body && { "content-type": "application/json" }) },
      body: body ? JSON.stringify(body) : null,
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    answer = await response.json().catch(() => undefined);
  } catch (error) {
    const isSlow = error instanceof Error && error.name === "TimeoutError";
    throw new SchedulerUnavailable(`${base} ${isSlow ? `said nothing for ${timeoutMs / 1000} s` : "refuses the connection"}`, {
      cause: error,
    });
  }
  if (!response.ok) throw new SchedulerRefused(response.status, refusalOf(answer) ?? `${path} answered ${response.status}`);
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new SchedulerRefused(
      response.status,
      `${path} answered a shape this dashboard does not know, at ${parsed.error.issues[0]?.path.join(".") || "its top"}`,
    );
  return parsed.data;
}

/** `{"error": {"message"}}`, as every API of Signalbox refuses. */
function refusalOf(answer: unknown): string | undefined {
  const error: unknown = Reflect.get(Object(answer), "error");
  const message: unknown = Reflect.get(Object(error), "message");
  return typeof message === "string" ? message : undefined;
}
