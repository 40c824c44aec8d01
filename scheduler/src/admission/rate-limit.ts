/** Limits of one key in requests and tokens per minute: buckets that fill evenly. In memory: each scheduler keeps its own. */

import { HttpError } from "../http/errors.ts";

export interface RateLimits {
  requestsPerMinute: number | undefined;
  tokensPerMinute: number | undefined;
}

export interface RateLimiter {
  /**
   * Takes one request and the tokens that it is expected to need.
   * @param now milliseconds, monotonic
   * @throws HttpError 429 with the headers and Retry-After
   */
  take(key: string, limits: RateLimits, tokens: number, now: number): Taken;
  /** Gives back what was taken and not needed, or takes what was needed beyond it. */
  correct(key: string, tokens: number): void;
}

export interface Taken {
  /** `x-ratelimit-*`, as OpenAI's. */
  headers: Record<string, string>;
  /** At most a minute's worth. */
  tokens: number;
}

const MINUTE_MS = 60_000;

export function createRateLimiter(): RateLimiter {
  const buckets = new Map<string, Buckets>();

  return {
    take(key, limits, tokens, now) {
      const own = buckets.get(key) ?? { requests: undefined, tokens: undefined };
      const taken = Math.min(tokens, limits.tokensPerMinute ?? tokens);
      // The config may have been changed since.
      if (own.requests?.perMinute !== limits.requestsPerMinute) own.requests = bucketOf(limits.requestsPerMinute, now);
      if (own.tokens?.perMinute !== limits.tokensPerMinute) own.tokens = bucketOf(limits.tokensPerMinute, now);
      buckets.set(key, own);
      const asks = [
        { kind: "requests", bucket: own.requests, amount: 1 },
        // One call larger than a minute's worth goes through when the bucket is full.
        { kind: "tokens", bucket: own.tokens, amount: taken },
      ];
      for (const { bucket } of asks) if (bucket) fill(bucket, now);
      const lacking = asks.find(({ bucket, amount }) => bucket !== undefined && bucket.level < amount);
      if (!lacking) for (const { bucket, amount } of asks) if (bucket) bucket.level -= amount;
      const headers = Object.fromEntries(asks.flatMap(({ kind, bucket }) => (bucket ? describe(kind, bucket) : [])));
      if (!lacking?.bucket) return { headers, tokens: taken };
      const { kind, bucket, amount } = lacking;
      const waitMs = ((amount - bucket.level) / bucket.perMinute) * MINUTE_MS;
      throw new HttpError(429, "rate_limit_exceeded", `Signalbox: key ${key} is limited to ${bucket.perMinute} ${kind} per minute`, {
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
        headers,
      });
    },
    correct(key, tokens) {
      const bucket = buckets.get(key)?.tokens;
      if (bucket) bucket.level = Math.min(bucket.perMinute, bucket.level + tokens);
    },
  };
}

interface Buckets {
  requests: Bucket | undefined;
  tokens: Bucket | undefined;
}

interface Bucket {
  perMinute: number;
  /** Below zero when calls took more than was expected of them. */
  level: number;
  at: number;
}

const bucketOf = (perMinute: number | undefined, now: number): Bucket | undefined =>
  perMinute === undefined ? undefined : { perMinute, level: perMinute, at: now };

function fill(bucket: Bucket, now: number): void {
  bucket.level = Math.min(bucket.perMinute, bucket.level + ((now - bucket.at) / MINUTE_MS) * bucket.perMinute);
  bucket.at = now;
}

function describe(kind: string, { perMinute, level }: Bucket): [string, string][] {
  const fullInSeconds = ((perMinute - level) / perMinute) * 60;
  return [
    [`x-ratelimit-limit-${kind}`, String(perMinute)],
    [`x-ratelimit-remaining-${kind}`, String(Math.max(0, Math.floor(level)))],
    [`x-ratelimit-reset-${kind}`, `${fullInSeconds.toFixed(3)}s`],
  ];
}
