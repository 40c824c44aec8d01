import { AlertRuleRequest, NoRequest, RuleWritten } from "../../../../../src/api/alert-change.ts";
import { changeAlerts, loadAlertRules } from "../../../../../src/loaders/alerts.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";
import { writeRoute } from "../../../../../src/server/write-route.ts";

export const GET = readRoute(NoRequest, loadAlertRules);
export const POST = writeRoute(AlertRuleRequest, (body) => changeAlerts("rules", RuleWritten, body));
