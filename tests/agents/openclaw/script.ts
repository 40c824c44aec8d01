import type { ReplyPlan, Script, ScriptedRequest } from "../../support/provider.ts";

/**
 * What the scripted model says to OpenClaw. The words in capitals in the last human message choose the scenario; the number of
 * tool results after it says how far the scenario has come.
 */
export const openclawScript: Script = (request) => {
  const { text, results } = progress(request);
  const plan = choose(text, results);
  const [first, ...rest] = plan.toolCalls ?? [];
  if (first === undefined) return plan;
  return { ...plan, toolCalls: [asOffered(request, first), ...rest.map((call) => asOffered(request, call))] };
};

function choose(text: string, results: number): ReplyPlan {
  const exec = (command: string): ReplyPlan => ({ toolCalls: [{ name: "exec", arguments: { command } }] });
  const spawnChild = (task: string): ReplyPlan => ({ toolCalls: [{ name: "sessions_spawn", arguments: { task, label: "kid" } }] });
  if (text.includes("CHILD_EXEC")) return results === 0 ? exec("echo child-$((1+1))") : { text: "child done" };
  if (text.includes("CHILD_SLOW")) return { text: "tick ".repeat(120), chunkDelayMs: 250 };
  if (text.includes("SPAWN_SLOW"))
    return results === 0 ? spawnChild("CHILD_SLOW please") : { text: "tick ".repeat(120), chunkDelayMs: 250 };
  if (text.includes("EXEC_AND_SPAWN")) {
    if (results === 0) return exec("echo parent-$((2+2))");
    return results === 1 ? spawnChild("CHILD_EXEC please") : { text: "spawned ok" };
  }
  if (text.includes("SPAWN_IT")) return results === 0 ? spawnChild("CHILD_EXEC please") : { text: "spawned ok" };
  if (text.includes("REFUSE_IT")) return { error: { status: 400, message: "Signalbox: this session is paused." } };
  if (text.includes("READ_FAILS"))
    return results === 0 ? { toolCalls: [{ name: "read", arguments: { path: "no-such-file.md" } }] } : { text: "it failed" };
  if (text.includes("EXEC_LONG")) return results === 0 ? exec("sleep 60") : { text: "exec finished" };
  if (text.includes("EXEC_IT")) return results === 0 ? exec("echo hi-from-exec") : { text: "exec finished" };
  if (text.includes("SEARCH_IT")) {
    return results === 0 ? { toolCalls: [{ name: "memory_search", arguments: { query: "favourite colour" } }] } : { text: "nothing found" };
  }
  if (text.includes("SPAWN_TWO")) {
    if (results > 0) return { text: "both spawned" };
    return { toolCalls: ["kid-a", "kid-b"].map((label) => ({ name: "sessions_spawn", arguments: { task: "CHILD_EXEC please", label } })) };
  }
  if (text.includes("PARALLEL_IT")) {
    if (results > 0) return { text: "both finished" };
    return { toolCalls: ["one", "two"].map((word) => ({ name: "exec", arguments: { command: `echo ${word}` } })) };
  }
  if (text.includes("SLOW_IT")) return { text: "tick ".repeat(120), chunkDelayMs: 250 };
  return { text: "Hello from the scripted model." };
}

/** Tools that are not offered by name are behind Tool Search: called through `tool_call`. */
export function asOffered(request: ScriptedRequest, call: { name: string; arguments: unknown }) {
  const tools = Array.isArray(request.body.tools) ? (request.body.tools as { function?: { name?: string } }[]) : [];
  const names = tools.map((tool) => tool.function?.name);
  if (names.includes(call.name) || !names.includes("tool_call")) return call;
  return { name: "tool_call", arguments: { id: call.name, args: call.arguments } };
}

function progress(request: ScriptedRequest): { text: string; results: number } {
  const messages = Array.isArray(request.body.messages) ? (request.body.messages as { role?: string; content?: unknown }[]) : [];
  const start = messages.findLastIndex(
    (message) => message.role === "user" && !/^<<<BEGIN_OPENCLAW_INTERNAL/.test(textOf(message.content).trim()),
  );
  const results = messages.slice(start + 1).filter((message) => message.role === "tool").length;
  return { text: start < 0 ? "" : textOf(messages[start]?.content), results };
}

export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as { text?: string }[]).map((part) => part.text ?? "").join("\n");
}
