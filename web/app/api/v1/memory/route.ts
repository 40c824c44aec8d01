import { MemoryListParameters } from "../../../../src/api/memory.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

/** Nothing records memory access yet, so there is none. */
export const GET = readRoute(MemoryListParameters, async () => ({ data: [], next: null }));
