import { z } from "zod";

const count = z.int().positive();

/** `collector.alerting` of signalbox.config.yaml. */
export const alertingSchema = z
  .strictObject({
    /** Evaluate rules and deliver notifications. */
    enabled: z.boolean().default(true),
    /** A collector that evaluates and is not heard of for so long is replaced by another. */
    lease_ms: z.int().min(1_000).max(60_000).default(3_000),
    /** Changed sessions that are remembered until the next evaluation; beyond, all are looked at. */
    touched_sessions: count.default(10_000),
    /** Everything is looked at so often, whatever was heard of. */
    scan_seconds: count.default(30),
    /** An alert that was over so long ago when its spans arrived is history, and nobody is told. */
    late_seconds: count.default(300),
    /** An alert ends when its condition has not held for so long. */
    resolve_seconds: z.int().min(0).default(60),
    /** An alert on what a session has cost ends when the session has been still for so long. */
    session_over_seconds: count.default(600),
    /** After a notification the next of the same rule and channel waits so long, and those in between go as one. */
    group_seconds: z.int().min(0).default(60),
    /** Attempts at one delivery, further and further apart up to five minutes, before it is given up. */
    delivery_attempts: count.default(20),
    delivery_timeout_ms: count.default(10_000),
    /** Deliveries under way at once. */
    deliveries_at_once: count.max(64).default(8),
    /** Let notifications go to addresses of this machine and its network; default: only where the collector listens on loopback. */
    private_targets: z.boolean().optional(),
    /** Finished deliveries and resolved alerts are kept so long. */
    keep_days: count.default(90),
  })
  .prefault({});

export type AlertingLimits = z.infer<typeof alertingSchema>;
