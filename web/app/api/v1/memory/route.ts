import { MemoryListParameters } from "../../../../src/api/memory.ts";
import { loadMemory } from "../../../../src/loaders/memory.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(MemoryListParameters, loadMemory);
