import { expect, it } from "vitest";
import { codexReader } from "./import.ts";

const THREAD = "01a1fbec-8b3c-7303-991e-01185ca03aaa";
const CHILD = "01a1fbec-9277-7921-b8e9-e275d53723d8";
let second = 0;
const entry = (type: string, payload: object) => ({
  timestamp: new Date(1_795_227_945_000 + second++ * 1000).toISOString(),
  type,
  payload,
});
const usage = { input_tokens: 1500, cached_input_tokens: 1000, output_tokens: 40, reasoning_output_tokens: 8 };
const record = (response_id: string, thread_id = THREAD) => entry("token_usage_record", { thread_id, response_id, usage });
const event = (type: string, more: object) => entry("event_msg", { type, ...more });
const item = (payload: object) => entry("response_item", payload);

function read(entries: object[]) {
  const reader = codexReader({ content: true });
  return [...entries.flatMap((one) => reader.entry(one)), ...reader.end()];
}

it("reads a thread: calls by their records, tools below the call that asked", () => {
  const spans = read([
    entry("session_meta", { id: THREAD, session_id: THREAD, model_provider: "signalbox" }),
    event("task_started", { turn_id: "t1", root_turn_id: "t1" }),
    entry("turn_context", { model: "gpt-5-codex" }),
    item({ type: "message", role: "user", content: [{ type: "input_text", text: "hello" }] }),
    item({ type: "function_call", name: "exec_command", arguments: "{}", call_id: "c1" }),
    record("resp_1"),
    item({ type: "function_call_output", call_id: "c1", output: "ok" }),
    // counted already
    event("token_count", { info: { total_token_usage: usage, last_token_usage: usage } }),
    record("resp_2"),
    event("task_complete", { turn_id: "t1" }),
  ]);
  expect(spans.map(({ name }) => name)).toEqual(["chat gpt-5-codex", "execute_tool exec_command", "chat gpt-5-codex", "invoke_agent"]);
  expect(spans[0]?.attributes).toMatchObject({
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 1500,
    "gen_ai.usage.cache_read.input_tokens": 1000,
    "signalbox.import.call_ids": ["resp_1", "1", "chatcmpl-1", "msg_1"],
  });
  expect(spans[1]?.attributes["signalbox.import.call_ids"]).toEqual(spans[0]?.attributes["signalbox.import.call_ids"]);
});

it("counts each change of the total where a version wrote no records", () => {
  const count = (total: number) => event("token_count", { info: { total_token_usage: { total }, last_token_usage: usage } });
  const spans = read([entry("session_meta", { id: THREAD }), count(1), count(1), count(2), event("token_count", { info: null })]);
  expect(spans.filter(({ name }) => name.startsWith("chat"))).toHaveLength(2);
});

it("puts a spawned thread into its root's session, below the turn that spawned it, without the calls it was forked with", () => {
  const parent = read([
    entry("session_meta", { id: THREAD, session_id: THREAD }),
    event("task_started", { turn_id: "t1", root_turn_id: "t1" }),
    record("resp_1"),
  ]);
  const child = read([
    entry("session_meta", { id: CHILD, session_id: THREAD, parent_thread_id: THREAD, agent_nickname: "Herschel" }),
    entry("session_meta", { id: THREAD, session_id: THREAD }),
    record("resp_1"),
    event("task_started", { turn_id: "t2", root_turn_id: "t1", turn_attribution: { parent_turn_id: "t1" } }),
    record("resp_2", CHILD),
  ]);
  expect(child.map(({ name }) => name)).toEqual(["chat unknown", "invoke_agent Herschel"]);
  expect(child.at(-1)).toMatchObject({ traceId: parent.at(-1)?.traceId, parentSpanId: parent.at(-1)?.spanId });
  expect(child.at(-1)?.attributes).toMatchObject({
    "session.id": THREAD,
    "signalbox.agent.id": CHILD,
    "signalbox.agent.parent_id": THREAD,
  });
});

it("tells of memory files: the instructions that a thread begins with, and what commands did to them", () => {
  const call = (id: string, cmd: string) =>
    item({ type: "function_call", name: "exec_command", arguments: JSON.stringify({ cmd }), call_id: id });
  const answered = (id: string, code: number) =>
    item({ type: "function_call_output", call_id: id, output: `Process exited with code ${code}\nOutput:\n` });
  const instructions = "# AGENTS.md instructions for /home/me/project\n\n<INSTRUCTIONS>\nteal\n</INSTRUCTIONS>";
  const spans = read([
    entry("session_meta", { id: THREAD, session_id: THREAD, cwd: "/home/me/project" }),
    event("task_started", { turn_id: "t1", root_turn_id: "t1" }),
    item({ type: "message", role: "user", content: [{ type: "input_text", text: instructions }] }),
    call("c1", "cat docs/AGENTS.md"),
    call("c2", "echo more >> AGENTS.md"),
    call("c3", "cat none/AGENTS.md"),
    record("resp_1"),
    answered("c1", 0),
    answered("c2", 0),
    answered("c3", 1),
  ]);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const memory = spans.filter(({ name }) => name.startsWith("memory"));
  expect(
    memory.map(({ name, attributes, parentSpanId }) => [name, attributes["signalbox.memory.path"], byId.get(parentSpanId ?? "")?.name]),
  ).toEqual([
    ["memory read", "/home/me/project/AGENTS.md", "invoke_agent"],
    ["memory read", "/home/me/project/docs/AGENTS.md", "execute_tool exec_command"],
    ["memory write", "/home/me/project/AGENTS.md", "execute_tool exec_command"],
  ]);
  // they go where their call is known already
  for (const span of memory) expect(span.attributes["signalbox.import.call_ids"]).toContain("resp_1");
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
});
