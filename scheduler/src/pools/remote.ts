/** A remote engine that speaks OpenAI's dialects or Anthropic's. Its health is told from real calls: after some failures in a row it rests. */

import { Pool } from "undici";
import type { RemotePoolConfig } from "../config/schema.ts";
import type { Connection, ConnectionState, Upstream } from "./connection.ts";

const HEALTHY: ConnectionState = { kind: "healthy" };
const FAILURES_TO_REST = 3;
const REST_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence of the engine, before its first byte and between bytes. */
const SILENCE_TIMEOUT_MS = 600_000;

export function connectRemote(config: RemotePoolConfig, key: string | undefined): Connection {
  const url = new URL(config.base_url);
  const dispatcher = new Pool(url.origin, {
    connections: config.slots,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: SILENCE_TIMEOUT_MS,
    bodyTimeout: SILENCE_TIMEOUT_MS,
  });
  const upstream: Upstream = {
    dispatcher,
    origin: url.origin,
    ...(config.engine === "anthropic"
      ? // Its clients name the base without the version.
        { basePath: `${url.pathname.replace(/\/(v1\/?)?$/, "")}/v1`, authorization: undefined, apiKey: key }
      : { basePath: url.pathname.replace(/\/$/, ""), authorization: key && `Bearer ${key}` }),
  };
  const resting: ConnectionState = { kind: "unhealthy", reason: `failed ${FAILURES_TO_REST} times in a row` };
  let failures = 0;
  let restsUntil = 0;

  return {
    upstream,
    get state() {
      return Date.now() < restsUntil ? resting : HEALTHY;
    },
    report(failed) {
      failures = failed ? failures + 1 : 0;
      // After its rest one call goes through; if that fails too the next rest begins at once.
      if (failures >= FAILURES_TO_REST) restsUntil = Date.now() + REST_MS;
    },
    start() {},
    close: () => dispatcher.destroy(),
  };
}
