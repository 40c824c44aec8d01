import type { ProviderRequest, Reply } from "../capture/scripted-server.ts";
import { type MessagesPlan, renderMessages } from "./messages-dialect.ts";

/**
 * What the scripted model says to one task: `results` counts the tool results since the task was given, `attempt` the requests
 * that were in this same state (retries), from 1.
 */
export type TaskScript = (results: number, attempt: number) => MessagesPlan;

/** Scripts by the word in capitals that a prompt holds. Everything else (titles, summaries) gets a short text. */
export type Tasks = Record<string, TaskScript>;

interface Message {
  role?: string;
  content?: string | { type?: string; text?: string }[];
}

/** A provider of the Messages API that follows the tasks. */
export function messagesProvider(tasks: Tasks): (request: ProviderRequest) => Reply {
  const attempts = new Map<string, number>();
  return (request) => {
    if (request.path.endsWith("/count_tokens")) return { json: { input_tokens: 42 } };
    if (request.path === "/v1/models") return { json: { data: [{ type: "model", id: "claude-scripted-1", display_name: "Scripted" }] } };
    if (request.method === "HEAD" || request.path === "/") return {};
    if (request.path !== "/v1/messages") {
      return { status: 404, json: { type: "error", error: { type: "not_found_error", message: `no such endpoint: ${request.path}` } } };
    }
    const { task, results } = progress(request.body, Object.keys(tasks));
    const script = task === undefined ? undefined : tasks[task];
    if (script === undefined) return renderMessages(request.body, { text: "Scripted." });
    const state = `${task} ${results}`;
    attempts.set(state, (attempts.get(state) ?? 0) + 1);
    return renderMessages(request.body, script(results, attempts.get(state) ?? 1));
  };
}

/** The task a conversation is at: the last one named in a human text, and how many tool results came after it. */
function progress(body: Record<string, unknown>, names: string[]): { task: string | undefined; results: number } {
  const messages = Array.isArray(body.messages) ? (body.messages as Message[]) : [];
  // Requests without tools are the CLI's own: titles, summaries.
  if (!Array.isArray(body.tools) || body.tools.length === 0) return { task: undefined, results: 0 };
  let task: string | undefined;
  let results = 0;
  for (const message of messages) {
    if (message.role !== "user") continue;
    const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : (message.content ?? []);
    for (const block of blocks) {
      const named = block.type === "text" ? names.find((name) => new RegExp(`\\b${name}\\b`).test(block.text ?? "")) : undefined;
      if (named !== undefined) {
        task = named;
        results = 0;
      }
      if (block.type === "tool_result") results += 1;
    }
  }
  return { task, results };
}
