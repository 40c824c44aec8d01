import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../log.ts";
import type { AlertingLimits } from "./alerting-config.ts";
import type { Way } from "./channels/post.ts";
import { targetGuard } from "./channels/target-guard.ts";
import { alertControl } from "./control.ts";
import { type CourierState, courier } from "./courier.ts";
import { alertEngine, type EngineState } from "./engine.ts";
import { schedulerClient } from "./scheduler-client.ts";
import { seal } from "./seal.ts";

export interface AlertingOptions {
  databaseUrl: string;
  limits: AlertingLimits;
  /** Rules are changed, and sessions stopped, with it; null: nothing can be, and alerting is off. */
  adminToken: string | null;
  schedulerUrl: string;
  /** The collector listens on loopback only: what it reaches there is the user's own. */
  loopback: boolean;
  log: Log;
  now: () => number;
}

export interface Alerting {
  state: Readonly<{ engine: EngineState; courier: CourierState }>;
  /** Answers what is asked below /control/alerts/. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

/** Rules, what they find, and who is told. Null where it is switched off, or nobody could change anything. */
export function alerting({ adminToken, limits, schedulerUrl, loopback, ...rest }: AlertingOptions): Alerting | null {
  if (!limits.enabled || adminToken === null) return null;
  const shared = { ...rest, limits, adminToken, seal: seal(adminToken), scheduler: schedulerClient(schedulerUrl, adminToken) };
  const way: Way = { guard: targetGuard(limits.private_targets ?? loopback), timeoutMs: limits.delivery_timeout_ms };
  const deliveries = courier({ ...shared, way });
  const engine = alertEngine({ ...shared, onQueued: deliveries.wake });
  return {
    state: { engine: engine.state, courier: deliveries.state },
    serve: alertControl({ ...shared, way }),
    start() {
      deliveries.start();
      engine.start();
    },
    async close() {
      await Promise.all([engine.close(), deliveries.close()]);
    },
  };
}
