import { AlertListParameters } from "../../../../src/api/alert.ts";
import { loadAlerts } from "../../../../src/loaders/alerts.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(AlertListParameters, loadAlerts);
