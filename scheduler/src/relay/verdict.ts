/** What an engine's status says: of the request, of the pool, and when to come back. */

import type { PoolVerdict } from "../resilience/breaker.ts";

/**
 * - 408 and 5xx: the pool failed; another may not
 * - 429: the pool is at its limit: another may have room, and this one is left alone for as long as it asked
 * - 401, 404 and redirects: our key, our model's name or our address is wrong there. The client can do nothing about it
 * - 402, 403: our account there; where nobody else is left the client is told the engine's words
 * - the rest of 4xx (400, 413, 422, …): the request is wrong, and would be anywhere
 */
export type StatusKind = "answer" | "request" | "pool_failed" | "pool_busy" | "pool_misconfigured" | "pool_account";

export function statusKind(status: number): StatusKind {
  if (status >= 200 && status < 300) return "answer";
  if (status >= 500 || status === 408) return "pool_failed";
  if (status === 429) return "pool_busy";
  if (status === 401 || status === 404 || status < 400) return "pool_misconfigured";
  if (status === 402 || status === 403) return "pool_account";
  return "request";
}

export function verdictOf(status: number): PoolVerdict {
  const kind = statusKind(status);
  if (kind === "pool_failed" || kind === "pool_misconfigured") return "failed";
  return kind === "answer" ? "good" : "unknown";
}

/** A pool that says no time is left alone for this long. */
const SHORT_REST_MS = 1_000;

/** How long a pool asks to be left alone: `retry-after-ms`, `retry-after` in seconds or as a date. Undefined where it does not. */
export function restOf(status: number, headers: Record<string, string | string[] | undefined>, now?: number): number | undefined {
  if (status !== 429 && status !== 503 && status !== 529) return undefined;
  const ms = Number(headers["retry-after-ms"]);
  if (headers["retry-after-ms"] !== undefined && ms >= 0) return ms;
  const after = headers["retry-after"];
  if (typeof after === "string") {
    const rest = /^\s*\d+(\.\d+)?\s*$/.test(after) ? Number(after) * 1000 : Date.parse(after) - (now ?? Date.now());
    if (Number.isFinite(rest)) return Math.max(0, rest);
  }
  return status === 429 ? SHORT_REST_MS : undefined;
}
