/** What Claude Code's hooks tell reaches the collector as log records, once, and never holds up the hook. */

import { afterEach, expect, it } from "vitest";
import { createHookFacts, type HookFacts, type HookFactsOptions } from "../../scheduler/src/hooks/claude-code-facts.ts";
import { otlpSink } from "../support/otlp-sink.ts";

type Sink = Awaited<ReturnType<typeof otlpSink>>;
let sink: Sink;
let facts: HookFacts;
afterEach(async () => {
  await facts.close(100);
  await sink.close();
});

const log = { info() {}, warn() {}, error() {} };
const start = async (script: Parameters<typeof otlpSink>[0] = [], more: Partial<HookFactsOptions> = {}) => {
  sink = await otlpSink(script);
  facts = createHookFacts({ endpoint: sink.url, token: "admin", log, intervalMs: 10, ...more });
};
const spawn = (agentId: string) => ({
  session_id: "s",
  prompt_id: "p",
  tool_name: "Agent",
  tool_use_id: `toolu_${agentId}`,
  tool_response: { agentId, agentType: "general-purpose", content: [{ type: "text", text: "secret" }] },
});
interface Sent {
  resourceLogs: {
    scopeLogs: {
      scope: { name: string };
      logRecords: { timeUnixNano: string; attributes: { key: string; value: { stringValue: string } }[] }[];
    }[];
  }[];
}
const told = () =>
  sink.taken.flatMap((body) =>
    (JSON.parse(body.toString()) as Sent).resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) =>
        logRecords.map(({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]))),
      ),
    ),
  );

it("tells which tool call spawned which sub-agent, and which memory file was loaded and written; and no other content", async () => {
  await start();
  facts.note("PostToolUse", { ...spawn("child"), agent_id: "parent" }, 1_795_000_000_000.25);
  facts.note("InstructionsLoaded", { session_id: "s", file_path: "/p/CLAUDE.md", memory_type: "Project", load_reason: "session_start" }, 1);
  facts.note("PostToolUse", { session_id: "s", tool_name: "Agent", tool_use_id: "t", tool_response: "an error" }, 1);
  facts.note("PostToolUse", { session_id: "s", tool_name: "Read", tool_use_id: "t", tool_input: { file_path: "/p/secret.txt" } }, 1);
  const edit = { file_path: "/p/CLAUDE.md", old_string: "a", new_string: "b" };
  facts.note("PostToolUse", { session_id: "s", agent_id: "child", tool_name: "Edit", tool_use_id: "t", tool_input: edit }, 1);
  await expect.poll(() => sink.taken.length).toBeGreaterThan(0);
  expect(sink.requests[0]).toMatchObject({ path: "/v1/logs", headers: { authorization: "Bearer admin" } });
  expect(told()).toEqual([
    {
      "event.name": "subagent_spawned",
      "session.id": "s",
      "prompt.id": "p",
      agent_id: "child",
      parent_agent_id: "parent",
      agent_type: "general-purpose",
      tool_use_id: "toolu_child",
    },
    {
      "event.name": "memory_access",
      "session.id": "s",
      file_path: "/p/CLAUDE.md",
      operation: "read",
      memory_type: "Project",
      load_reason: "session_start",
    },
    {
      "event.name": "memory_access",
      "session.id": "s",
      agent_id: "child",
      tool_use_id: "t",
      file_path: "/p/CLAUDE.md",
      operation: "write",
      diff: "- a\n+ b",
    },
  ]);
  expect(sink.taken[0]?.toString()).toContain('"timeUnixNano":"1795000000000250000"');
});

it("sends again what the collector could not take, and drops and counts beyond its bound", async () => {
  await start([{ status: 503 }, "cut"], { capacity: 3 });
  for (const agent of ["a", "b", "c", "d"]) facts.note("PostToolUse", spawn(agent), 1);
  expect(facts.dropped).toBe(1);
  await expect.poll(() => sink.taken.length).toBeGreaterThan(0);
  expect(told().map(({ agent_id }) => agent_id)).toEqual(["a", "b", "c"]);
  expect(facts.dropped).toBe(1);
});

it("gives up what the collector refuses", async () => {
  await start([{ status: 401 }]);
  facts.note("PostToolUse", spawn("a"), 1);
  await expect.poll(() => facts.dropped).toBeGreaterThan(0);
  expect(sink.taken).toEqual([]);
});
