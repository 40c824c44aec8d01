import { z } from "zod";
import { loadSession } from "../../../../../src/loaders/sessions.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), (_, path) => loadSession(path.id ?? ""));
