/** A remote engine that speaks OpenAI's dialects or Anthropic's. Its health is told from real calls, by the pool's breaker. */

import type { RemotePoolConfig } from "../config/schema.ts";
import { EngineClient } from "../http/wire/client.ts";
import type { Connection, ConnectionState, Upstream } from "./connection.ts";

const HEALTHY: ConnectionState = { kind: "healthy" };
const CONNECT_TIMEOUT_MS = 5_000;
/** An agent's tool call takes seconds, and a new TLS connection a tenth of one; no network forgets a connection so soon. */
const IDLE_MS = 30_000;

export function connectRemote(config: RemotePoolConfig, key: string | undefined): Connection {
  const url = new URL(config.base_url);
  const dispatcher = new EngineClient(url, { connectTimeoutMs: CONNECT_TIMEOUT_MS, idleMs: IDLE_MS });
  const upstream: Upstream = {
    dispatcher,
    origin: url.origin,
    callerCredentials: config.credentials === "caller",
    ...(config.engine === "anthropic"
      ? // Its clients name the base without the version.
        { basePath: `${url.pathname.replace(/\/(v1\/?)?$/, "")}/v1`, authorization: undefined, apiKey: key }
      : { basePath: url.pathname.replace(/\/$/, ""), authorization: key && `Bearer ${key}` }),
  };
  return {
    upstream,
    state: HEALTHY,
    start() {},
    close: () => dispatcher.destroy(),
  };
}
