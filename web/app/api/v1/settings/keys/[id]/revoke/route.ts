import { Done, NoRequest } from "../../../../../../../src/api/alert-change.ts";
import { askCollector } from "../../../../../../../src/server/collector.ts";
import { writeRoute } from "../../../../../../../src/server/write-route.ts";

export const POST = writeRoute(NoRequest, (body, { id = "" }) =>
  askCollector(`/control/keys/${encodeURIComponent(id)}/revoke`, Done, body),
);
