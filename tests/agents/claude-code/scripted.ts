import type { ScriptedRequest } from "../../support/provider.ts";
import type { RichPlan, RichScript } from "../../support/provider-anthropic-or-responses.ts";
import type { MessagesPlan } from "./messages-dialect.ts";
import type { Tasks } from "./script.ts";

/** The scenarios' scripts for the providers with a ledger, whichever dialect a call reaches them in. */
export function scriptOf(tasks: Tasks): RichScript {
  const attempts = new Map<string, number>();
  return (request) => {
    const { task, results } = progress(request, Object.keys(tasks));
    const script = task === undefined ? undefined : tasks[task];
    if (script === undefined) return { text: "Scripted." };
    // the session too: each scenario counts its own attempts
    const state = `${request.headers["x-claude-code-session-id"]} ${task} ${results}`;
    attempts.set(state, (attempts.get(state) ?? 0) + 1);
    return planOf(script(results, attempts.get(state) ?? 1));
  };
}

function planOf({ text, toolCalls, model, usage, chunkDelayMs, error }: MessagesPlan): RichPlan {
  if (error) return { error };
  return {
    ...(text !== undefined && { text }),
    ...(toolCalls && { toolCalls: toolCalls.map(({ name, input }) => ({ name, arguments: input, id: toolId() })) }),
    ...(model !== undefined && { model }),
    ...(chunkDelayMs !== undefined && { chunkDelayMs }),
    ...(usage && { usage: usageOf(usage) }),
  };
}

let toolCallsMade = 0;
/** Unlike any of another scenario: all of them meet in one database. */
const toolId = () => `toolu_${String(++toolCallsMade).padStart(24, "0")}`;

/** Anthropic's input leaves out what was cached; the ledger's includes it. */
function usageOf(usage: Record<string, unknown>) {
  const { input_tokens = 0, cache_read_input_tokens: cacheRead = 0, cache_creation_input_tokens: cacheWrite = 0 } = usage as Counts;
  const { ephemeral_1h_input_tokens: cacheWrite1h = 0 } = (usage.cache_creation ?? {}) as Counts;
  return { input: input_tokens + cacheRead + cacheWrite, cacheRead, cacheWrite, cacheWrite1h };
}
type Counts = Record<string, number | undefined>;

interface Item {
  type?: string;
  role?: string;
  text?: string;
  content?: unknown;
}

/** The task a conversation is at: the last one named in a human text, and how many tool results came after it. */
function progress({ body }: ScriptedRequest, names: string[]): { task: string | undefined; results: number } {
  let task: string | undefined;
  let results = 0;
  // Requests without tools are the CLI's own: titles, summaries.
  if (!Array.isArray(body.tools) || body.tools.length === 0) return { task, results };
  const take = (item: Item): void => {
    if (item.role === "assistant") return;
    if (item.role === "tool" || item.type === "tool_result" || item.type === "function_call_output") results += 1;
    else if (Array.isArray(item.content)) (item.content as Item[]).forEach(take);
    else {
      const text = typeof item.content === "string" ? item.content : (item.text ?? "");
      const named = names.find((name) => new RegExp(`\\b${name}\\b`).test(text));
      if (named === undefined) return;
      task = named;
      results = 0;
    }
  };
  for (const item of (Array.isArray(body.messages) ? body.messages : Array.isArray(body.input) ? body.input : []) as Item[]) take(item);
  return { task, results };
}
