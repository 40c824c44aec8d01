import { ControlRequest } from "../../../../../../src/api/control.ts";
import { controlSession } from "../../../../../../src/loaders/control.ts";
import { writeRoute } from "../../../../../../src/server/write-route.ts";

export const POST = writeRoute(ControlRequest, ({ reason }, { id = "" }) => controlSession(id, "pause", reason));
