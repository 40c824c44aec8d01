import { StepContentParameters } from "../../../../../../src/api/step-content.ts";
import { loadStepContent } from "../../../../../../src/loaders/replay.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(StepContentParameters, (parameters, path) => loadStepContent(path.id ?? "", parameters));
