import { SpanListParameters } from "../../../../../../src/api/span.ts";
import { loadSpans } from "../../../../../../src/loaders/session-parts.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(SpanListParameters, (parameters, path) => loadSpans(path.id ?? "", parameters));
