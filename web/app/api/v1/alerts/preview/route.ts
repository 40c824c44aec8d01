import { AlertPreview } from "../../../../../src/api/alert.ts";
import { AlertPreviewRequest } from "../../../../../src/api/alert-change.ts";
import { changeAlerts } from "../../../../../src/loaders/alerts.ts";
import { writeRoute } from "../../../../../src/server/write-route.ts";

export const POST = writeRoute(AlertPreviewRequest, (body) => changeAlerts("preview", AlertPreview, body));
