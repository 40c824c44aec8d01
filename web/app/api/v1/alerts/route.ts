import { AlertListParameters } from "../../../../src/api/alert.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

/** Nothing raises alerts yet, so there are none. */
export const GET = readRoute(AlertListParameters, async () => ({ data: [], next: null }));
