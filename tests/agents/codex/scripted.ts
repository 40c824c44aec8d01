import type { ScriptedRequest } from "../../support/provider.ts";
import type { RichPlan, RichScript } from "../../support/provider-anthropic-or-responses.ts";
import { taskFollower } from "../tasks.ts";
import type { ResponsesPlan } from "./responses-dialect.ts";
import type { CodexTasks } from "./scenarios.ts";

/** The scenarios' scripts for the providers with a ledger, whichever dialect a call reaches them in. */
export function scriptOf(tasks: CodexTasks): RichScript {
  const follow = taskFollower(tasks);
  return (request) => {
    const plan = follow(request.body);
    return plan === undefined ? { text: "Scripted.", usage: { input: 700, output: 9 } } : planOf(plan, request);
  };
}

function planOf(plan: ResponsesPlan, request: ScriptedRequest): RichPlan {
  const { error, usage = {} } = plan;
  if (error) {
    const { code, message } = (error.body.error ?? {}) as { code?: string; message?: string };
    return {
      error: { status: error.status, ...(code && { code }), ...(message && { message }), ...(error.headers && { headers: error.headers }) },
    };
  }
  return {
    ...(plan.text !== undefined && { text: plan.text }),
    ...(plan.toolCalls && { toolCalls: plan.toolCalls.map((call) => ({ ...call, name: offeredName(call.name, request) })) }),
    ...(plan.chunkDelayMs !== undefined && { chunkDelayMs: plan.chunkDelayMs }),
    usage: {
      input: usage.input_tokens ?? 1_500,
      // text that breaks off counts what left, so each of its words must be a token
      ...(plan.chunkDelayMs === undefined && { output: usage.output_tokens ?? 40 }),
      cacheRead: usage.cached_tokens ?? 0,
      cacheWrite: usage.cache_write_tokens ?? 0,
      reasoning: usage.reasoning_tokens ?? 0,
    },
  };
}

/** A tool of a namespace has it in its name where the dialect knows none. */
function offeredName(name: string, { body }: ScriptedRequest): string {
  const tools = Array.isArray(body.tools) ? (body.tools as { type?: string; name?: string; function?: { name?: string } }[]) : [];
  const names = tools.map((tool) => tool.function?.name ?? tool.name ?? "");
  return names.find((offered) => offered.endsWith(`__${name}`)) ?? name;
}
