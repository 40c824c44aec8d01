import { StepListParameters } from "../../../../../../src/api/step.ts";
import { loadSteps } from "../../../../../../src/loaders/replay.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(StepListParameters, (parameters, path) => loadSteps(path.id ?? "", parameters));
