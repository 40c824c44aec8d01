import { z } from "zod";
import { loadAttention } from "../../../../src/loaders/attention.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), loadAttention);
