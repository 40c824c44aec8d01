/** The rules that are evaluated, as rule.ts has them. */
export const READ_RULES = `
select rule_id, project, name, condition, for_seconds, actions, version, coalesce(muted_until > clock_timestamp(), false) as muted
from signalbox.alert_rules where enabled order by rule_id`;
