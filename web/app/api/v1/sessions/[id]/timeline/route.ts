import { TimelineParameters } from "../../../../../../src/api/timeline.ts";
import { loadTimeline } from "../../../../../../src/loaders/session-parts.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(TimelineParameters, (parameters, path) => loadTimeline(path.id ?? "", parameters));
