import type { PlannedToolCall, ReplyPlan, Script, ScriptedRequest } from "../../support/provider.ts";
import { asOffered, textOf } from "./script.ts";

/** What the model says to a task, which is named in the last human message: `results` tool results came after it; `attempt` from 1. */
export type Task = (results: number, attempt: number) => ReplyPlan;

export interface Scenario {
  /** One task a turn, in this order. `/compact` is OpenClaw's own command. */
  turns: readonly string[];
  /** By name. A sub-agent's label is the name of its task, so that a request says by itself which agent's it is. */
  tasks: Readonly<Record<string, Task>>;
  /** Each access to a memory file: the tool, what it did, and lines where it read some. */
  memory?: readonly string[];
  /** The gateway is stopped and started before the last turn. */
  restart?: true;
  /** Aborted by the operator once the provider was asked so often, and its last reply has begun. */
  abortAfter?: number;
}

export const MAIN = "main";
export const NOTES = "memory/2026-11-21.md";
/** Gives a task. Each request of the session, and of all below it, has the mark in its text. */
export function ask(task: string, mark?: string): string {
  return `please ${task}${mark === undefined ? "" : ` (${mark})`}`;
}
const say = (text: string): ReplyPlan => ({ text });
const call = (...toolCalls: NonNullable<ReplyPlan["toolCalls"]>): ReplyPlan => ({ toolCalls });
const exec = (command: string) => ({ name: "exec", arguments: { command } });
export const spawn = (label: string) => ({ name: "sessions_spawn", arguments: { task: ask(label), label } });
const then =
  (...plans: ReplyPlan[]): Task =>
  (results) =>
    plans[results] ?? say("Finished.");

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "plain turn": { turns: ["HELLO"], tasks: { HELLO: then(say("Hello.")) } },
  "tool call": { turns: ["TOOL"], tasks: { TOOL: then(call(exec("echo one"))) } },
  "failing tool": { turns: ["FAILING"], tasks: { FAILING: then(call({ name: "read", arguments: { path: "no-such-file.txt" } })) } },
  "parallel tools": { turns: ["PARALLEL"], tasks: { PARALLEL: then(call(exec("echo one"), exec("echo two"))) } },
  "tool behind Tool Search": {
    turns: ["SEARCHED"],
    // Of a word that the notes do not have: they are found from one way to the next, or not, as OpenClaw has indexed them by then.
    tasks: { SEARCHED: then(call({ name: "memory_search", arguments: { query: "zebra" } })) },
  },
  "sub-agent, detached": {
    turns: ["PARENT"],
    tasks: { PARENT: then(call(spawn("KID"))), KID: then(call(exec("echo kid"))) },
  },
  "nested sub-agents": {
    turns: ["PARENT"],
    tasks: { PARENT: then(call(spawn("MIDDLE"))), MIDDLE: then(call(spawn("KID"))), KID: then(call(exec("echo kid"))) },
  },
  "parallel sub-agents": {
    turns: ["PARENT"],
    tasks: { PARENT: then(call(spawn("ONE"), spawn("TWO"))), ONE: then(call(exec("echo 1"))), TWO: then(say("Two.")) },
  },
  "retry after 429": {
    turns: ["LIMITED"],
    tasks: {
      LIMITED: (_, attempt) =>
        attempt === 1 ? { error: { status: 429, message: "slow down", headers: { "retry-after": "1" } } } : say("At last."),
    },
  },
  "cached prompt": {
    turns: ["CACHED"],
    tasks: { CACHED: () => ({ text: "From the cache.", usage: { input: 9_000, cacheRead: 8_192 } }) },
  },
  compaction: {
    turns: ["LONG", "LONG", "/compact", "HELLO"],
    tasks: { LONG: then(say("word ".repeat(200))), HELLO: then(say("Hello.")) },
  },
  resume: { turns: ["HELLO", "HELLO"], tasks: { HELLO: then(say("Hello.")) }, restart: true },
  "model replaced by the gateway": { turns: ["HELLO"], tasks: { HELLO: () => ({ text: "Hello.", model: "another-model" }) } },
  "memory file written, edited, read and fetched": {
    turns: ["REMEMBER"],
    tasks: {
      REMEMBER: then(
        call({ name: "write", arguments: { path: NOTES, content: "colour: teal\n" } }),
        call({ name: "edit", arguments: { path: NOTES, edits: [{ oldText: "teal", newText: "green" }] } }),
        call({ name: "read", arguments: { path: NOTES, offset: 1, limit: 1 } }),
        call({ name: "memory_get", arguments: { path: NOTES } }),
      ),
    },
    memory: ["edit write", "memory_get read", "read read 1-1", "write write"],
  },
  "aborted in mid-stream": {
    turns: ["STREAM"],
    tasks: { STREAM: () => ({ text: "word ".repeat(200), chunkDelayMs: 200 }) },
    abortAfter: 1,
  },
};

/** The script of a scenario: each state of a task counts its own attempts, and sub-agents are given their spawner's mark. */
export function scriptOf(tasks: Scenario["tasks"]): Script {
  const attempts = new Map<string, number>();
  return (request) => {
    const { name, mark, results } = progressOf(request);
    const task = name === undefined ? undefined : tasks[name];
    // OpenClaw's own requests: summaries.
    if (task === undefined || !Array.isArray(request.body.tools)) return { text: "Scripted." };
    const state = `${name} ${results}`;
    attempts.set(state, (attempts.get(state) ?? 0) + 1);
    const plan = task(results, attempts.get(state) ?? 1);
    return plan.toolCalls === undefined
      ? plan
      : { ...plan, toolCalls: plan.toolCalls.map((one) => asOffered(request, passingOn(one, mark))) };
  };
}

function passingOn(toolCall: PlannedToolCall, mark: string | undefined): PlannedToolCall {
  if (toolCall.name !== "sessions_spawn") return toolCall;
  const given = toolCall.arguments as { label: string };
  return { ...toolCall, arguments: { ...given, task: ask(given.label, mark) } };
}

/** The task that a conversation is at, the last one asked for, with its mark, and how many tool results came after it. */
export function progressOf(request: ScriptedRequest): { name: string | undefined; mark: string | undefined; results: number } {
  const messages = messagesOf(request);
  const askedIn = ({ role, content }: Message) =>
    (role === "user" ? /\bplease ([A-Z]+)\b(?: \(([a-z0-9-]+)\))?/.exec(textOf(content)) : null) ?? undefined;
  const first = messages.findIndex((message) => askedIn(message) !== undefined);
  // What OpenClaw tells of sub-agents quotes their tasks.
  const isNotice = ({ content }: Message) => /OPENCLAW_INTERNAL|Internal task|Inter-session|subagent/i.test(textOf(content));
  const start = messages.findLastIndex((message, at) => askedIn(message) !== undefined && (at === first || !isNotice(message)));
  const asked = messages[start] && askedIn(messages[start]);
  return {
    name: asked?.[1],
    mark: asked?.[2],
    results: messages.slice(start + 1).filter(({ role }) => role === "tool").length,
  };
}

/** Whether a request begins a turn: it shows no tool result that no model has seen yet. A summary is no turn's. */
export function beginsTurn(request: ScriptedRequest): boolean {
  const messages = messagesOf(request);
  const unseen = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  return Array.isArray(request.body.tools) && !unseen.some(({ role }) => role === "tool");
}

interface Message {
  role?: string;
  content?: unknown;
}
const messagesOf = ({ body }: ScriptedRequest) => (Array.isArray(body.messages) ? (body.messages as Message[]) : []);
