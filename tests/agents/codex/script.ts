import type { ProviderRequest, Reply } from "../capture/scripted-server.ts";
import { taskFollower } from "../tasks.ts";
import { renderResponses } from "./responses-dialect.ts";
import type { CodexTasks } from "./scenarios.ts";

/** A provider of the Responses API that follows the tasks. */
export function responsesProvider(tasks: CodexTasks): (request: ProviderRequest) => Reply {
  const planOf = taskFollower(tasks);
  return ({ path, body }) => {
    if (path.endsWith("/models")) return { json: { object: "list", data: [], models: [] } };
    if (!path.endsWith("/responses")) return { status: 404, json: { error: { message: `no such endpoint: ${path}` } } };
    return renderResponses(body, planOf(body) ?? { text: "Scripted." });
  };
}
