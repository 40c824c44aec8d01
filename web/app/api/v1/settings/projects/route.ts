import { SettingsListParameters } from "../../../../../src/api/settings.ts";
import { loadProjects } from "../../../../../src/loaders/settings.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";

export const GET = readRoute(SettingsListParameters, loadProjects);
