import { z } from "zod";
import { loadAgents } from "../../../../../../src/loaders/session-parts.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), (_, path) => loadAgents(path.id ?? ""));
