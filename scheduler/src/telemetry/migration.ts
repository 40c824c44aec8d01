/** KV state of a session that was moved, between pools or between the tiers of one. Off the path; plain values, as a decision's. */

import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Identity } from "../admission/identity.ts";
import type { Attributes } from "./span-writer.ts";

/** Times are milliseconds since the epoch, with fractions. */
export interface MigrationRecord {
  kind: "migration";
  traceId: string;
  /** The request that it was for; undefined where it was for none. */
  parentSpanId: string | undefined;
  spanId: string;
  /** Undefined where the session is not remembered any more. */
  identity: Identity | undefined;
  /** `placement`: its next call was placed elsewhere. `restore`: it was in a lower tier. `eviction`: its place was wanted for another. */
  reason: "placement" | "drain" | "restore" | "eviction";
  /** Where it is now. */
  pool: string;
  fromPool: string;
  fromTier: string;
  toTier: string;
  tokens: number;
  bytes: number;
  startedAt: number;
  endedAt: number;
}

export function migrationAttributes(record: MigrationRecord): Attributes {
  const { identity } = record;
  // biome-ignore format: a name and its value to a line
  return [
    Attribute.operation, Operation.migrate,
    Attribute.sessionId, identity?.session,
    Attribute.conversationId, identity?.session,
    Attribute.signalboxAgentId, identity?.agent,
    Attribute.parentAgentId, identity?.parentAgent,
    Attribute.agentDepth, identity?.depth,
    Attribute.agentName, identity?.agentName,
    Attribute.agentKind, identity?.agentKind,
    Attribute.project, identity?.project,
    Attribute.pool, record.pool,
    Attribute.migrationReason, record.reason,
    Attribute.migrationFromPool, record.fromPool,
    Attribute.migrationFromTier, record.fromTier,
    Attribute.migrationToTier, record.toTier,
    Attribute.migrationTokens, record.tokens,
    Attribute.migrationBytes, record.bytes,
  ];
}
