import { z } from "zod";
import { loadFacets } from "../../../../src/loaders/facets.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), loadFacets);
