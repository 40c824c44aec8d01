/**
 * Asks a remote engine again and again whether it answers, so that no client's call is the one that finds it dead. Never for a completion:
 * what it asks for costs nothing. What it learns goes to the pool's breaker.
 */

import type { ProbeConfig } from "../config/probe-schema.ts";
import { EngineClient } from "../http/wire/client.ts";
import { EngineError } from "../http/wire/engine-connection.ts";
import type { Log } from "../log.ts";
import type { Breaker } from "../resilience/breaker.ts";
import { epochNow } from "../telemetry/record.ts";

export interface ProbeResult {
  /** Milliseconds since the epoch. */
  at: number;
  ms: number;
  /** 0: no answer came. */
  status: number;
  /** Why the pool cannot be used, in words; undefined where it can. */
  error: string | undefined;
}

export interface Probe {
  /** Undefined before the first answer, or the first time that none came. */
  readonly last: ProbeResult | undefined;
  /** Questions so far, and those of them that found the pool unusable. */
  readonly asked: number;
  readonly failed: number;
  start(): void;
  stop(): void;
}

export interface ProbeOptions {
  pool: string;
  config: ProbeConfig;
  origin: URL;
  /** Of the engine's dialect: as in `/v1`. */
  basePath: string;
  /** Names and values in turn: what the engine knows us by. */
  headers: readonly string[];
  /** Whose keys its calls bring: where ours is refused, or there is none, no call can be served. */
  keys: "ours" | "none" | "callers";
  breaker: Breaker;
  /** The engine answers: called once, the first time. */
  onAnswer: () => void;
  log: Log;
}

/** Either way, so that pools of one machine are not all asked at once. */
const JITTER = 0.2;
/** What does not answer is asked so many times as often: it is told dead, and back, the sooner. */
const EAGERNESS = 4;
const NOTHING = Buffer.alloc(0);
const HEARD = new Error("its status says all");

export function createProbe({ pool, config, origin, basePath, headers, keys, breaker, onAnswer, log }: ProbeOptions): Probe {
  const { interval_ms: intervalMs, timeout_ms: timeoutMs, failures } = config;
  const path = config.path ?? `${basePath}/models`;
  // Each time on a new connection: one that is kept says nothing of whether another can be had.
  const client = new EngineClient(origin, { connectTimeoutMs: timeoutMs, idleMs: 0 });
  const refused = {
    ours: `it answers, but refuses our key (401): see api_key_env of pool ${pool}`,
    none: `it answers, but asks for a key (401): pool ${pool} has no api_key_env`,
    callers: undefined,
  }[keys];
  let last: ProbeResult | undefined;
  let asked = 0;
  let failed = 0;
  let inARow = 0;
  let answered = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    if (isKnownWell()) return again(intervalMs);
    const at = epochNow();
    const { status, error } = await ask(client, origin.origin, path, headers, timeoutMs);
    if (stopped) return;
    const wrong = error ?? problemOf(status, refused);
    const before = last?.error;
    last = { at, ms: epochNow() - at, status, error: wrong };
    asked++;
    if (wrong === undefined) {
      inARow = 0;
      breaker.halfOpen();
      if (!answered) onAnswer();
      answered = true;
      if (before !== undefined) log.info("pool answers its probe again", { pool });
      return again(intervalMs);
    }
    failed++;
    inARow++;
    if (before !== wrong) log.warn("pool does not answer its probe as it should", { pool, url: origin.origin + path, reason: wrong });
    // Until the next question has been answered, or not.
    if (inARow >= failures || status === 401) breaker.trip(wrong, intervalMs + timeoutMs);
    again(intervalMs / EAGERNESS);
  }

  /** A call that has just ended well says more than a probe; and a pool that asked to be left alone is. */
  const isKnownWell = () =>
    breaker.resting || (answered && inARow === 0 && breaker.state === "closed" && performance.now() - breaker.goodAt < intervalMs);

  function again(ms: number): void {
    timer = setTimeout(() => void look(), ms * (1 - JITTER + 2 * JITTER * Math.random()));
  }

  return {
    get last() {
      return last;
    },
    get asked() {
      return asked;
    },
    get failed() {
      return failed;
    },
    start: () => void look(),
    stop() {
      stopped = true;
      clearTimeout(timer);
      void client.destroy();
    },
  };
}

/** What a status says against a pool. That there is nothing at the path, or that it is not for us, says nothing. */
function problemOf(status: number, refused: string | undefined): string | undefined {
  if (status === 401) return refused;
  return status >= 500 || status === 408 ? `it answers its probe with ${status}` : undefined;
}

/** Never rejects. */
function ask(
  client: EngineClient,
  origin: string,
  path: string,
  headers: readonly string[],
  timeoutMs: number,
): Promise<{ status: number; error?: string }> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (answer: { status: number; error?: string }) => {
      clearTimeout(timer);
      resolve(answer);
    };
    client.dispatch(
      { origin, path, method: "GET", headers: [...headers], body: NOTHING },
      {
        onRequestStart(controller) {
          const late = () => controller.abort(new EngineError("UND_ERR_HEADERS_TIMEOUT", `no answer within ${timeoutMs} ms`));
          timer = setTimeout(late, timeoutMs);
        },
        onResponseStart(controller, status) {
          end({ status });
          controller.abort(HEARD);
        },
        onResponseError: (_controller, error) => end({ status: 0, error: wordsOf(error) }),
      },
    );
  });
}

/** A name that stands for several addresses fails with a code alone. */
const wordsOf = (error: Error): string => error.message || (error as NodeJS.ErrnoException).code || "it cannot be reached";
