import { setTimeout as sleep } from "node:timers/promises";
import { NotifyChannel } from "@signalbox/otel/conventions";
import { type Connection, ConnectionLost, connect } from "../exporters/postgres-connection.ts";
import type { Log } from "../log.ts";
import type { AlertingLimits } from "./alerting-config.ts";
import { channelSchema, deliver } from "./channels/channel.ts";
import type { Notice, NoticeAlert } from "./channels/notice.ts";
import { DeliveryFailed, type Way } from "./channels/post.ts";
import type { Stop } from "./rule.ts";
import type { SchedulerClient } from "./scheduler-client.ts";
import type { Seal } from "./seal.ts";
import { CLAIM, DELIVERED, FAILED } from "./sql/deliveries.ts";

export interface CourierOptions {
  databaseUrl: string;
  limits: AlertingLimits;
  scheduler: SchedulerClient;
  seal: Seal;
  way: Way;
  log: Log;
}

export interface CourierState {
  delivered: number;
  retries: number;
  /** Given up. */
  failed: number;
}

export interface Courier {
  state: Readonly<CourierState>;
  start(): void;
  /** There may be something in the outbox. */
  wake(): void;
  close(): Promise<void>;
}

interface Delivery {
  delivery_id: string;
  rule_id: string;
  action: "notify" | Stop;
  occasion: "fired" | "resolved";
  attempts: number;
  /** hex; null where the channel is gone */
  sealed: string | null;
  channel_name: string | null;
  rule_name: string;
  alerts: (NoticeAlert & { per: string })[];
}

const POLL_MS = 1_000;
const RECONNECT_MS = 1_000;
const FIRST_RETRY_SECONDS = 2;
const MAX_RETRY_SECONDS = 300;
/** A claim of a process that died is anyone's after the longest attempt and this. */
const CLAIM_MARGIN_MS = 30_000;

/**
 * Empties the outbox: claims what is due, carries it out, and writes down how it went. Any number of collectors may do so at once. What
 * a process that died had claimed is done again by another: at least once, under the same delivery id.
 */
export function courier({ databaseUrl, limits, scheduler, seal, way, log }: CourierOptions): Courier {
  const stopping = new AbortController();
  const state: CourierState = { delivered: 0, retries: 0, failed: 0 };
  const underWay = new Set<Promise<void>>();
  let wake = () => {};
  let loop: Promise<void> = Promise.resolve();
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal: stopping.signal }).catch(() => {});

  async function carryOut(delivery: Delivery): Promise<object | null> {
    const { action, alerts, rule_name } = delivery;
    if (action !== "notify") {
      const [alert] = alerts;
      if (alert === undefined) throw new Error("the alert is gone");
      const scope = alert.per === "agent" ? "agent" : "session";
      const id = scope === "agent" ? alert.subject : (alert.session_id ?? alert.subject);
      return scheduler.stop(action, { scope, id }, `alert rule "${rule_name}": ${alert.message}`);
    }
    if (delivery.sealed === null) throw new Error("the channel was deleted");
    const target = channelSchema.shape.target.parse(seal.open(Buffer.from(delivery.sealed, "hex")));
    await deliver(target, noticeOf(delivery), way);
    return null;
  }

  async function attempt(connection: Connection, delivery: Delivery): Promise<void> {
    const { delivery_id, attempts } = delivery;
    try {
      const receipt = await carryOut(delivery);
      state.delivered++;
      await connection.query(DELIVERED, [delivery_id, JSON.stringify(receipt), NotifyChannel.alerts]);
    } catch (error) {
      if (stopping.signal.aborted || error instanceof ConnectionLost) return; // its claim runs out
      const isLast = attempts >= limits.delivery_attempts || (delivery.sealed === null && delivery.action === "notify");
      if (isLast) state.failed++;
      else state.retries++;
      const message = (error as Error).message.slice(0, 500);
      log.warn(isLast ? "a delivery was given up" : "a delivery failed and is tried again", {
        delivery: delivery_id,
        attempts,
        error: message,
      });
      const wait = Math.round(retrySeconds(attempts, error) * 1000);
      await connection.query(FAILED, [delivery_id, message, isLast ? "failed" : "waiting", wait, NotifyChannel.alerts]).catch(() => {});
    }
  }

  async function serve(connection: Connection): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const room = limits.deliveries_at_once - underWay.size;
      const claimMs = limits.delivery_timeout_ms + CLAIM_MARGIN_MS;
      const claimed = room > 0 ? await connection.query<Delivery>(CLAIM, [room, claimMs]) : [];
      for (const delivery of claimed) {
        const done: Promise<void> = attempt(connection, delivery).finally(() => {
          underWay.delete(done);
          wake();
        });
        underWay.add(done);
      }
      if (claimed.length === 0 || claimed.length === room) await Promise.race([woken, pause(POLL_MS)]);
    }
    await Promise.race([Promise.all(underWay), sleep(limits.delivery_timeout_ms, undefined, { ref: false })]);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let connection: Connection | undefined;
      try {
        connection = await connect(databaseUrl, { application_name: "signalbox-alerting" });
        await serve(connection);
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.warn("deliveries are interrupted, trying again", { error: (error as Error).message });
        await pause(RECONNECT_MS);
      } finally {
        await connection?.close();
      }
    }
  }

  return {
    state,
    start() {
      loop = run();
    },
    wake: () => wake(),
    async close() {
      stopping.abort();
      wake();
      await loop;
    },
  };
}

const noticeOf = ({ delivery_id, occasion, rule_id, rule_name, alerts }: Delivery): Notice => ({
  delivery_id,
  occasion,
  rule_id,
  rule: rule_name,
  alerts: alerts.map(({ per: _, ...alert }) => alert),
});

/** Twice as long each time, and by chance up to half of it less, so that many do not come back at once. */
function retrySeconds(attempts: number, error: unknown): number {
  const asked = error instanceof DeliveryFailed ? (error.retryAfterSeconds ?? 0) : 0;
  const backoff = Math.min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), MAX_RETRY_SECONDS);
  return Math.max(asked, backoff * (1 - Math.random() / 2));
}
