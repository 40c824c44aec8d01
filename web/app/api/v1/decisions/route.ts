import { DecisionListParameters } from "../../../../src/api/decision.ts";
import { loadDecisions } from "../../../../src/loaders/decisions.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(DecisionListParameters, loadDecisions);
