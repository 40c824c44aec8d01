import { TreeListParameters } from "../../../../src/api/tree.ts";
import { loadTrees } from "../../../../src/loaders/trees.ts";
import { readRoute } from "../../../../src/server/read-route.ts";

export const GET = readRoute(TreeListParameters, loadTrees);
