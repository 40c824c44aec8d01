import type { AlertAction, Condition } from "../api/alert.ts";
import type { Sql } from "../server/database.ts";

export interface AlertRuleRow {
  rule_id: string;
  name: string;
  project: string | null;
  condition: Condition;
  for_seconds: number;
  actions: AlertAction[];
  enabled: boolean;
  muted_until: string | null;
  firing: number;
  last_fired: string | null;
}

/** Which rules are there, and how are they? */
export function listAlertRules(sql: Sql): Promise<AlertRuleRow[]> {
  return sql<AlertRuleRow[]>`
    select rule.rule_id, rule.name, rule.project, rule.condition, rule.for_seconds, rule.actions, rule.enabled,
      case when rule.muted_until > now() then rule.muted_until end as muted_until,
      (select count(*)::int from alert_events event where event.rule_id = rule.rule_id and event.resolved_at is null) as firing,
      (select max(fired_at) from alert_events event where event.rule_id = rule.rule_id) as last_fired
    from alert_rules rule order by rule.created_at, rule.rule_id`;
}
