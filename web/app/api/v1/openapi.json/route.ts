import { z } from "zod";
import { openApiDocument } from "../../../../src/api/openapi.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), async () => openApiDocument());
