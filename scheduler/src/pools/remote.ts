/** A remote engine that speaks OpenAI's dialects or Anthropic's. Its health is told from real calls and from probes, by the pool's breaker. */

import { probeOf } from "../config/probe-schema.ts";
import type { RemotePoolConfig } from "../config/schema.ts";
import { ANTHROPIC_VERSION } from "../dialects/messages-request.ts";
import { EngineClient } from "../http/wire/client.ts";
import type { Log } from "../log.ts";
import type { Breaker } from "../resilience/breaker.ts";
import type { Connection, ConnectionState, Upstream } from "./connection.ts";
import { createProbe } from "./probe.ts";

export interface RemoteOptions {
  config: RemotePoolConfig;
  key: string | undefined;
  breaker: Breaker;
  /** Called once: when it is first found to answer, or at the start where it is not asked. */
  onUp: () => void;
  log: Log;
}

const HEALTHY: ConnectionState = { kind: "healthy" };
const CONNECT_TIMEOUT_MS = 5_000;
/** An agent's tool call takes seconds, and a new TLS connection a tenth of one; no network forgets a connection so soon. */
const IDLE_MS = 30_000;

export function connectRemote({ config, key, breaker, onUp, log }: RemoteOptions): Connection {
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
  const probing = probeOf(config);
  const probe =
    probing &&
    createProbe({
      pool: config.name,
      config: probing,
      ...{ origin: url, basePath: upstream.basePath, headers: credentialsOf(upstream, config.engine) },
      keys: upstream.callerCredentials ? "callers" : key === undefined ? "none" : "ours",
      ...{ breaker, onAnswer: onUp, log },
    });
  return {
    upstream,
    state: HEALTHY,
    ...(probe && { probe }),
    start: () => (probe ? probe.start() : onUp()),
    close() {
      probe?.stop();
      return dispatcher.destroy();
    },
  };
}

/** Names and values in turn. */
function credentialsOf({ authorization, apiKey }: Upstream, engine: RemotePoolConfig["engine"]): string[] {
  const headers = authorization === undefined ? [] : ["authorization", authorization];
  if (apiKey !== undefined) headers.push("x-api-key", apiKey);
  if (engine === "anthropic") headers.push("anthropic-version", ANTHROPIC_VERSION);
  return headers;
}
