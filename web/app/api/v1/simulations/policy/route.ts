import { z } from "zod";
import { loadSimulationPolicy } from "../../../../../src/loaders/simulations.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";

export const GET = readRoute(z.object({}), loadSimulationPolicy);
