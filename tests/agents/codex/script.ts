import type { ProviderRequest, Reply } from "../capture/scripted-server.ts";
import { type ResponsesPlan, renderResponses } from "./responses-dialect.ts";

/**
 * What the scripted model says to one task: `results` counts the tool outputs since the task was given, `attempt` the requests
 * that were in this same state (retries), from 1; `outputs` are the texts of those tool outputs.
 */
export type TaskScript = (results: number, attempt: number, outputs: string[]) => ResponsesPlan;

/** Scripts by the word in capitals that a prompt holds. Everything else gets a short text. */
export type Tasks = Record<string, TaskScript>;

interface InputItem {
  type?: string;
  role?: string;
  /** A sub-agent's task is an `agent_message`, its text under `encrypted_content` (in the clear with a provider of one's own). */
  content?: string | { type?: string; text?: string; encrypted_content?: string }[];
  output?: unknown;
}

/** A provider of the Responses API that follows the tasks. */
export function responsesProvider(tasks: Tasks): (request: ProviderRequest) => Reply {
  const attempts = new Map<string, number>();
  return (request) => {
    if (request.path.endsWith("/models")) return { json: { object: "list", data: [], models: [] } };
    if (!request.path.endsWith("/responses")) return { status: 404, json: { error: { message: `no such endpoint: ${request.path}` } } };
    const { task, outputs } = progress(request.body, Object.keys(tasks));
    const script = task === undefined ? undefined : tasks[task];
    if (script === undefined) return renderResponses(request.body, { text: "Scripted." });
    const state = `${task} ${outputs.length}`;
    attempts.set(state, (attempts.get(state) ?? 0) + 1);
    return renderResponses(request.body, script(outputs.length, attempts.get(state) ?? 1, outputs));
  };
}

/** The task a conversation is at: the last one named in a text given to the agent, and the tool outputs after it. */
function progress(body: Record<string, unknown>, names: string[]): { task: string | undefined; outputs: string[] } {
  const input = Array.isArray(body.input) ? (body.input as InputItem[]) : [];
  let task: string | undefined;
  let outputs: string[] = [];
  for (const item of input) {
    if (item.type?.endsWith("_output")) outputs.push(typeof item.output === "string" ? item.output : JSON.stringify(item.output));
    if (item.role === "assistant" || item.content === undefined) continue;
    const text =
      typeof item.content === "string" ? item.content : item.content.map((part) => part.text ?? part.encrypted_content ?? "").join("\n");
    const named = names.find((name) => new RegExp(`\\b${name}\\b`).test(text));
    if (named !== undefined) {
      task = named;
      outputs = [];
    }
  }
  return { task, outputs };
}
