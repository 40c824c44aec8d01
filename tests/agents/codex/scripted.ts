import type { ScriptedRequest } from "../../support/provider.ts";
import type { RichPlan, RichScript } from "../../support/provider-anthropic-or-responses.ts";
import type { ResponsesPlan } from "./responses-dialect.ts";
import type { Tasks } from "./script.ts";

/** The scenarios' scripts for the providers with a ledger, whichever dialect a call reaches them in. */
export function scriptOf(tasks: Tasks): RichScript {
  const attempts = new Map<string, number>();
  return (request) => {
    const { task, outputs } = progress(conversation(request), Object.keys(tasks));
    const script = task === undefined ? undefined : tasks[task];
    if (script === undefined) return { text: "Scripted.", usage: { input: 700, output: 9 } };
    const state = `${task} ${outputs.length}`;
    attempts.set(state, (attempts.get(state) ?? 0) + 1);
    return planOf(script(outputs.length, attempts.get(state) ?? 1, outputs), request);
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

/** What was said to the model and what its tools answered, in order; texts of the assistant are left out. */
type Said = { text: string } | { output: string };

interface Part {
  type?: string;
  text?: string;
  encrypted_content?: string;
  content?: unknown;
}
interface Item extends Part {
  role?: string;
  output?: unknown;
}

function conversation({ body }: ScriptedRequest): Said[] {
  const items = (Array.isArray(body.input) ? body.input : Array.isArray(body.messages) ? body.messages : []) as Item[];
  return items.flatMap((item): Said[] => {
    if (item.type?.endsWith("_output")) return [{ output: asText(item.output) }];
    if (item.role === "tool") return [{ output: asText(item.content) }];
    if (item.role === "assistant" || item.content === undefined) return [];
    if (typeof item.content === "string") return [{ text: item.content }];
    return (item.content as Part[]).map((part) =>
      part.type === "tool_result" ? { output: asText(part.content) } : { text: part.text ?? part.encrypted_content ?? "" },
    );
  });
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((part: Part) => part.text ?? "").join("");
  return JSON.stringify(value ?? "");
}

function progress(said: Said[], names: string[]): { task: string | undefined; outputs: string[] } {
  let task: string | undefined;
  let outputs: string[] = [];
  for (const one of said) {
    if ("output" in one) outputs.push(one.output);
    else {
      const named = names.find((name) => new RegExp(`\\b${name}\\b`).test(one.text));
      if (named === undefined) continue;
      task = named;
      outputs = [];
    }
  }
  return { task, outputs };
}
