import { expect, test } from "vitest";
import { identify } from "./identity.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const NOBODY = { user: undefined, promptCacheKey: undefined };

test("our headers win over what agents send, and those over the body", () => {
  const headers = { "x-signalbox-session": "root", "x-claude-code-session-id": "claude", "x-signalbox-user": "ann" };
  expect(identify(headers, { user: "bob", promptCacheKey: "cached" }, TRACE)).toMatchObject({
    session: "root",
    agent: "root",
    parentAgent: undefined,
    depth: 0,
    user: "ann",
    agentKind: "claude-code",
  });
});

test("a sub-agent of Claude Code is told from its headers", () => {
  const headers = {
    "x-claude-code-session-id": "s",
    "x-claude-code-agent-id": "a2",
    "x-claude-code-parent-agent-id": "a1",
    "x-claude-code-agent-type": "Explore",
    "x-claude-code-request-class": "subagent",
    "x-claude-code-prompt-id": "p",
  };
  expect(identify(headers, NOBODY, TRACE)).toMatchObject({
    session: "s",
    agent: "a2",
    parentAgent: "a1",
    depth: undefined,
    agentName: "Explore",
    task: "subagent",
    turn: "p",
  });
  const { "x-claude-code-parent-agent-id": _parent, ...first } = headers;
  expect(identify(first, NOBODY, TRACE)).toMatchObject({ parentAgent: "s", depth: 1 });
});

test("Codex's headers give session and tree, its metadata the turn; mangled metadata harms nothing", () => {
  const headers = { "session-id": "s", "thread-id": "t", "x-codex-parent-thread-id": "s", "x-openai-subagent": "review" };
  expect(identify({ ...headers, "x-codex-turn-metadata": '{"turn_id":"u","agent_name":"worker"}' }, NOBODY, TRACE)).toMatchObject({
    session: "s",
    agent: "t",
    parentAgent: "s",
    depth: 1,
    turn: "u",
    agentName: "worker",
    agentKind: "codex",
  });
  const long = JSON.stringify({ installation_id: "i".repeat(900), turn_id: "u" });
  expect(identify({ ...headers, "x-codex-turn-metadata": long }, NOBODY, TRACE).turn).toBe("u");
  expect(identify({ ...headers, "x-codex-turn-metadata": "{" }, NOBODY, TRACE)).toMatchObject({ agent: "t", agentName: "review" });
});

test.each([
  ["turn", undefined, "turn"],
  ["turn", "collab_spawn", "subagent"],
  [undefined, "review", "review"],
  ["turn", "memory_consolidation", "memory_consolidation"],
  ["compaction", "collab_spawn", "compaction"],
  ["turn", "thread_spawn", "subagent"],
])("Codex's request of kind %s from a sub-agent of kind %s is of task %s", (request_kind, subagent, task) => {
  const metadata = JSON.stringify({ request_kind, ...(subagent === "thread_spawn" && { subagent_kind: subagent }) });
  const headers = { "session-id": "s", "thread-id": "t", "x-codex-turn-metadata": metadata };
  const named = subagent !== undefined && subagent !== "thread_spawn" ? { "x-openai-subagent": subagent } : {};
  expect(identify({ ...headers, ...named }, NOBODY, TRACE).task).toBe(task);
});

test("without any of them the cache key is the session, and without that the trace", () => {
  expect(identify({}, { user: "bob", promptCacheKey: "cached" }, TRACE)).toMatchObject({
    session: "cached",
    user: "bob",
    agentKind: "other",
  });
  expect(identify({}, NOBODY, TRACE).session).toBe(`t:${TRACE}`);
});
