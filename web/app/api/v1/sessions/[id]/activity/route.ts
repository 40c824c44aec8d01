import { z } from "zod";
import { loadActivity } from "../../../../../../src/loaders/control.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), (_, { id = "" }) => loadActivity(id));
