import { ChannelRequest, ChannelWritten, NoRequest } from "../../../../../src/api/alert-change.ts";
import { changeAlerts, loadChannels } from "../../../../../src/loaders/alerts.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";
import { writeRoute } from "../../../../../src/server/write-route.ts";

export const GET = readRoute(NoRequest, loadChannels);
export const POST = writeRoute(ChannelRequest, (body) => changeAlerts("channels", ChannelWritten, body));
