import type { ProviderRequest, Reply } from "../capture/scripted-server.ts";
import { taskFollower } from "../tasks.ts";
import { renderMessages } from "./messages-dialect.ts";
import type { ClaudeCodeTasks } from "./scenarios.ts";

/** A provider of the Messages API that follows the tasks. */
export function messagesProvider(tasks: ClaudeCodeTasks): (request: ProviderRequest) => Reply {
  const planOf = taskFollower(tasks);
  return ({ path, method, body }) => {
    if (path.endsWith("/count_tokens")) return { json: { input_tokens: 42 } };
    if (path === "/v1/models") return { json: { data: [{ type: "model", id: "claude-scripted-1", display_name: "Scripted" }] } };
    if (method === "HEAD" || path === "/") return {};
    if (path !== "/v1/messages") {
      return { status: 404, json: { type: "error", error: { type: "not_found_error", message: `no such endpoint: ${path}` } } };
    }
    return renderMessages(body, (hasTools(body) ? planOf(body) : undefined) ?? { text: "Scripted." });
  };
}

/** Requests without tools are the CLI's own: titles, summaries. */
export const hasTools = ({ tools }: Record<string, unknown>): boolean => Array.isArray(tools) && tools.length > 0;
