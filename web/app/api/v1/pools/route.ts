import { PoolListParameters } from "../../../../src/api/pool.ts";
import { loadPools } from "../../../../src/loaders/pools.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(PoolListParameters, loadPools);
