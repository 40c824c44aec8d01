import { Done, NoRequest } from "../../../../../../../src/api/alert-change.ts";
import { changeAlerts } from "../../../../../../../src/loaders/alerts.ts";
import { writeRoute } from "../../../../../../../src/server/write-route.ts";

export const POST = writeRoute(NoRequest, (body, { id = "" }) => changeAlerts(`channels/${encodeURIComponent(id)}/delete`, Done, body));
