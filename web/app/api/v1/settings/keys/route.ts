import { KeyMade, KeyRequest, SettingsListParameters } from "../../../../../src/api/settings.ts";
import { loadKeys } from "../../../../../src/loaders/settings.ts";
import { askCollector } from "../../../../../src/server/collector.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";
import { writeRoute } from "../../../../../src/server/write-route.ts";

export const GET = readRoute(SettingsListParameters, loadKeys);
export const POST = writeRoute(KeyRequest, (body) => askCollector("/control/keys", KeyMade, body));
