/** KV state of a session that was moved, between pools or between the tiers of one. Off the path; plain values, as a decision's. */

import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { Identity } from "../admission/identity.ts";
import type { PutAttribute } from "./span-writer.ts";

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

export function putMigrationAttributes(put: PutAttribute, record: MigrationRecord): void {
  const { identity } = record;
  put(Attribute.operation, Operation.migrate);
  put(Attribute.sessionId, identity?.session);
  put(Attribute.conversationId, identity?.session);
  put(Attribute.signalboxAgentId, identity?.agent);
  put(Attribute.parentAgentId, identity?.parentAgent);
  put(Attribute.agentDepth, identity?.depth);
  put(Attribute.agentName, identity?.agentName);
  put(Attribute.agentKind, identity?.agentKind);
  put(Attribute.project, identity?.project);
  put(Attribute.pool, record.pool);
  put(Attribute.migrationReason, record.reason);
  put(Attribute.migrationFromPool, record.fromPool);
  put(Attribute.migrationFromTier, record.fromTier);
  put(Attribute.migrationToTier, record.toTier);
  put(Attribute.migrationTokens, record.tokens);
  put(Attribute.migrationBytes, record.bytes);
}
