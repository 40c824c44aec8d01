import { SessionListParameters } from "../../../../src/api/session.ts";
import { loadSessions } from "../../../../src/loaders/sessions.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(SessionListParameters, loadSessions);
