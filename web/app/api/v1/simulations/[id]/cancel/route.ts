import { NoRequest } from "../../../../../../src/api/alert-change.ts";
import { cancelSimulation } from "../../../../../../src/loaders/simulations.ts";
import { writeRoute } from "../../../../../../src/server/write-route.ts";

export const POST = writeRoute(NoRequest, (_body, { id = "" }) => cancelSimulation(id));
