import { ExplainParameters } from "../../../../src/api/explain.ts";
import { loadExplanation } from "../../../../src/loaders/explain.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(ExplainParameters, loadExplanation);
