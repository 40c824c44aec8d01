/** A remote engine that speaks OpenAI's dialects or Anthropic's. Its health is told from real calls, by the pool's breaker. */

import { Pool } from "undici";
import type { RemotePoolConfig } from "../config/schema.ts";
import type { Connection, ConnectionState, Upstream } from "./connection.ts";

const HEALTHY: ConnectionState = { kind: "healthy" };
const CONNECT_TIMEOUT_MS = 5_000;

export function connectRemote(config: RemotePoolConfig, key: string | undefined): Connection {
  const url = new URL(config.base_url);
  const dispatcher = new Pool(url.origin, {
    connections: config.slots,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
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
