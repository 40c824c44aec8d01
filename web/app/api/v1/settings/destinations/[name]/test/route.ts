import { NoRequest } from "../../../../../../../src/api/alert-change.ts";
import { TestSpanSent } from "../../../../../../../src/api/settings.ts";
import { askCollector } from "../../../../../../../src/server/collector.ts";
import { writeRoute } from "../../../../../../../src/server/write-route.ts";

export const POST = writeRoute(NoRequest, (body, { name = "" }) =>
  askCollector(`/control/fan-out/${encodeURIComponent(name)}/test`, TestSpanSent, body),
);
