import type { RichPlan, RichScript } from "../../support/provider-anthropic-or-responses.ts";
import { taskFollower } from "../tasks.ts";
import type { MessagesPlan } from "./messages-dialect.ts";
import type { ClaudeCodeTasks } from "./scenarios.ts";
import { hasTools } from "./script.ts";

/** The scenarios' scripts for the providers with a ledger, whichever dialect a call reaches them in. */
export function scriptOf(tasks: ClaudeCodeTasks): RichScript {
  const follow = taskFollower(tasks);
  // the session too: each scenario counts its own attempts
  return ({ body, headers }) =>
    planOf((hasTools(body) ? follow(body, String(headers["x-claude-code-session-id"])) : undefined) ?? { text: "Scripted." });
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
