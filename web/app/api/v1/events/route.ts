import { EventListParameters } from "../../../../src/api/event.ts";
import { loadEvents } from "../../../../src/loaders/events.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(EventListParameters, loadEvents);
