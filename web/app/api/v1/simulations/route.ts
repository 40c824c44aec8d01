import { z } from "zod";
import { SimulationRequest } from "../../../../src/api/simulation.ts";
import { loadSimulations, startSimulation } from "../../../../src/loaders/simulations.ts";
import { readRoute } from "../../../../src/server/read-route.ts";
import { writeRoute } from "../../../../src/server/write-route.ts";

export const GET = readRoute(z.object({}), loadSimulations);
export const POST = writeRoute(SimulationRequest, startSimulation);
