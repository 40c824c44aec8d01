import { z } from "zod";
import type { FanOutDestination } from "./fan-out.ts";

const MiB = 1024 * 1024;
const names = z.array(z.string().min(1)).default([]);

/** `fan_out:` of signalbox.config.yaml: other OTLP backends that get every trace, too. */
export const fanOutSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, "must be lower-case letters, digits, - and _"),
      /** The base URL, as http://127.0.0.1:4318: /v1/traces is added where it has no path. */
      endpoint: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }),
      headers: z.record(z.string(), z.string()).default({}),
      /** header → environment variable, for secrets */
      headers_env: z.record(z.string(), z.string()).default({}),
      compression: z.enum(["none", "gzip"]).default("none"),
      timeout_ms: z.int().positive().default(10_000),
      /** Prompts, results and tool arguments leave this machine only where this says so. */
      content: z.boolean().default(false),
      sampling: z.number().min(0).max(1).default(1),
      only: z.strictObject({ projects: names, operations: names, services: names }).prefault({}),
      queue_bytes: z
        .int()
        .positive()
        .default(64 * MiB),
      push_bytes: z
        .int()
        .positive()
        .default(2 * MiB),
      backoff_first_ms: z.int().positive().default(500),
      backoff_most_ms: z.int().positive().default(30_000),
      breaker_failures: z.int().positive().default(5),
    }),
  )
  .default([])
  .refine((list) => new Set(list.map((item) => item.name)).size === list.length, "two destinations have the same name");

/** @throws the message for an environment variable that is not set, or a header that HTTP does not allow. */
export function fanOutDestinations(
  list: z.infer<typeof fanOutSchema>,
  environment: Record<string, string | undefined>,
): FanOutDestination[] {
  return list.map((entry) => ({
    name: entry.name,
    url: tracesUrl(entry.endpoint),
    headers: { ...entry.headers, ...secretHeaders(entry.name, entry.headers_env, environment) },
    gzip: entry.compression === "gzip",
    timeoutMs: entry.timeout_ms,
    content: entry.content,
    sampling: entry.sampling,
    only: entry.only,
    queueBytes: entry.queue_bytes,
    pushBytes: entry.push_bytes,
    backoffMs: { first: entry.backoff_first_ms, most: Math.max(entry.backoff_first_ms, entry.backoff_most_ms) },
    breakerFailures: entry.breaker_failures,
  }));
}

function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return url.href;
}

function secretHeaders(name: string, from: Record<string, string>, environment: Record<string, string | undefined>) {
  return Object.fromEntries(
    Object.entries(from).map(([header, variable]) => {
      const value = environment[variable];
      if (!value) throw new Error(`fan_out: ${name}: the environment variable ${variable} is not set`);
      return [header, value];
    }),
  );
}
