import { readFileSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";
import { z } from "zod";
import type { FanOutDestination } from "./fan-out.ts";

const MiB = 1024 * 1024;
const file = z.string().min(1).optional();
const names = z.array(z.string().min(1)).default([]);

/** `fan_out:` of signalbox.config.yaml: other OTLP backends that get every trace, too. */
export const fanOutSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, "must be lower-case letters, digits, - and _"),
      /** The base URL, as http://127.0.0.1:4318: for OTLP/HTTP /v1/traces is added where it has no path. */
      endpoint: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }),
      protocol: z.enum(["http", "grpc"]).default("http"),
      headers: z.record(z.string(), z.string()).default({}),
      /** header → environment variable, for secrets */
      headers_env: z.record(z.string(), z.string()).default({}),
      /** For https, PEM files: the authorities to trust in place of the system's, and our own certificate with its key. */
      tls: z.strictObject({ ca_file: file, cert_file: file, key_file: file }).prefault({}),
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

type Entry = z.infer<typeof fanOutSchema>[number];

/** @throws the message for an environment variable that is not set, a header that HTTP does not allow, or a file that cannot be read. */
export function fanOutDestinations(list: readonly Entry[], environment: Record<string, string | undefined>): FanOutDestination[] {
  return list.map((entry) => ({
    name: entry.name,
    protocol: entry.protocol,
    url: tracesUrl(entry),
    headers: headers(entry, environment),
    tls: tls(entry),
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

function tracesUrl({ name, endpoint, protocol }: Entry): string {
  const url = new URL(endpoint);
  if (protocol === "grpc") {
    if (url.pathname !== "/") throw new Error(`fan_out: ${name}: endpoint: with protocol grpc it has no path: ${url.origin}`);
    return url.origin;
  }
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return url.href;
}

function headers({ name, headers, headers_env }: Entry, environment: Record<string, string | undefined>): Record<string, string> {
  const secrets = Object.entries(headers_env).map(([header, variable]) => {
    const value = environment[variable];
    if (!value) throw new Error(`fan_out: ${name}: the environment variable ${variable} is not set`);
    return [header, value] as const;
  });
  const all = [...Object.entries(headers), ...secrets].map(([header, value]) => [header.toLowerCase(), value] as const);
  for (const [header, value] of all) {
    try {
      validateHeaderName(header);
      validateHeaderValue(header, value);
    } catch {
      throw new Error(`fan_out: ${name}: the header ${header}, or its value, is none that HTTP allows`);
    }
    if (OURS.has(header)) throw new Error(`fan_out: ${name}: the header ${header} is set by Signalbox: leave it out`);
  }
  return Object.fromEntries(all);
}

/** What says how a request is read; of the others, HTTP/2 refuses those that speak of a connection. */
const OURS = new Set(["connection", "content-encoding", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"]);

function tls({ name, endpoint, tls: { ca_file, cert_file, key_file } }: Entry): FanOutDestination["tls"] {
  if (ca_file === undefined && cert_file === undefined && key_file === undefined) return null;
  if (!endpoint.startsWith("https:")) throw new Error(`fan_out: ${name}: tls: the endpoint is not https://`);
  if ((cert_file === undefined) !== (key_file === undefined)) throw new Error(`fan_out: ${name}: tls: cert_file and key_file go together`);
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new Error(`fan_out: ${name}: tls: ${(error as Error).message}`);
    }
  };
  return {
    ...(ca_file !== undefined && { ca: read(ca_file) }),
    ...(cert_file !== undefined && { cert: read(cert_file) }),
    ...(key_file !== undefined && { key: read(key_file) }),
  };
}
