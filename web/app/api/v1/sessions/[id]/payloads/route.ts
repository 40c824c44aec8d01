import { PayloadListParameters } from "../../../../../../src/api/payload.ts";
import { loadPayloads } from "../../../../../../src/loaders/replay.ts";
import { readRoute } from "../../../../../../src/server/read-route.ts";

export const GET = readRoute(PayloadListParameters, (parameters, path) => loadPayloads(path.id ?? "", parameters));
