/** `GET /control/decisions`: the last decisions, newest first, as they are in memory. */

import { plainId, projectOf } from "../admission/scoped-id.ts";
import { sendJson } from "../http/send.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import { readLimit } from "./json-body.ts";
import type { ControlRequest } from "./request.ts";

export interface RecentDecisions {
  note(record: DecisionRecord): void;
  /** Is a call of this session, or of an agent of this id, among them? Of one project's alone, where the id names one. */
  has(id: string): boolean;
  list(ask: ControlRequest): void;
}

export function createRecentDecisions(capacity = 256): RecentDecisions {
  const kept: (DecisionRecord | undefined)[] = new Array(capacity).fill(undefined);
  let count = 0;

  return {
    note(record) {
      kept[count++ % capacity] = record;
    },
    has(id) {
      const [plain, project] = [plainId(id), projectOf(id)];
      const isOf = ({ identity }: DecisionRecord) =>
        (identity.session === plain || identity.agent === plain) && (project === undefined || identity.project === project);
      return kept.some((record) => record !== undefined && isOf(record));
    },
    list({ response, query }) {
      const session = query.get("session");
      const limit = readLimit(query, capacity);
      const data: object[] = [];
      for (let back = 1; back <= capacity && data.length < limit; back++) {
        const record = kept[(count - back + capacity) % capacity];
        if (!record || count < back) break;
        if (session === null || record.identity.session === session) data.push(describe(record));
      }
      sendJson(response, 200, { data, next: null });
    },
  };
}

function describe(record: DecisionRecord): object {
  const { identity, intent, placement } = record;
  const last = record.attempts.at(-1);
  return {
    decision_id: record.decisionId,
    time: new Date(record.startedAt).toISOString(),
    duration_ms: record.endedAt - record.startedAt,
    session_id: identity.session,
    agent_id: identity.agent,
    user: identity.user ?? null,
    project: identity.project ?? null,
    key: identity.key ?? null,
    task: intent.task ?? null,
    route: intent.route,
    route_reason: intent.routeReason,
    semantic_score: intent.semanticScore ?? null,
    cache: record.cached?.kind ?? null,
    shadow_of: record.shadowOf ?? null,
    sla_class: intent.sla.class,
    sla_met: record.slaMet ?? null,
    request_model: record.requestModel,
    pool: last?.offer.pool ?? null,
    silicon: last?.offer.silicon ?? null,
    model: last?.offer.model ?? null,
    attempts: record.attempts.length,
    reason: placement.reason,
    candidates: placement.explained,
    budget_state: record.budgetState ?? null,
    status: record.status,
    error: record.error ?? null,
    queue_ms: record.queueMs,
    overhead_ms: record.overheadMs,
    cost_nanousd: record.cached ? "0" : last?.costNanousd === undefined ? null : String(last.costNanousd),
    saved_nanousd: record.cached?.savedNanousd === undefined ? null : String(record.cached.savedNanousd),
  };
}
