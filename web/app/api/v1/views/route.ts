import { SavedViewParameters, SavedViewRequest, SavedViewWritten } from "../../../../src/api/view.ts";
import { loadViews } from "../../../../src/loaders/settings.ts";
import { askCollector } from "../../../../src/server/collector.ts";
import { readRoute } from "../../../../src/server/read-route.ts";
import { writeRoute } from "../../../../src/server/write-route.ts";

export const GET = readRoute(SavedViewParameters, loadViews);
export const POST = writeRoute(SavedViewRequest, (body) => askCollector("/control/views", SavedViewWritten, body));
