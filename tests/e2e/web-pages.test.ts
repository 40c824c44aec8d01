import { fleetStage } from "../support/fleet-stage.ts";
import { agentsTests } from "./pages/agents.ts";
import { brainTests } from "./pages/brain.ts";
import { explainTests } from "./pages/explain.ts";
import { hostileTests } from "./pages/hostile.ts";
import { keysTests } from "./pages/keys.ts";
import { routesTests } from "./pages/routes.ts";
import { stopTests } from "./pages/stop.ts";

/** The pages over one fleet: a database, a dashboard and a browser take longer to start than most tests to run. */
const stage = fleetStage();

stopTests(stage);
brainTests(stage);
routesTests(stage);
agentsTests(stage);
explainTests(stage);
keysTests(stage);
hostileTests(stage);
