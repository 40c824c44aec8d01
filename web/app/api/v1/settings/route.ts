import { NoRequest } from "../../../../src/api/alert-change.ts";
import { loadSettings } from "../../../../src/loaders/settings.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(NoRequest, loadSettings);
