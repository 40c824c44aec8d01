import { CostParameters } from "../../../../src/api/cost.ts";
import { loadCost } from "../../../../src/loaders/cost.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(CostParameters, loadCost);
