import { MemoryFileListParameters } from "../../../../../src/api/memory.ts";
import { loadMemoryFiles } from "../../../../../src/loaders/memory.ts";
import { readRoute } from "../../../../../src/server/read-route.ts";

export const GET = readRoute(MemoryFileListParameters, loadMemoryFiles);
