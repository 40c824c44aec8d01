import { expect, it } from "vitest";
import { identityOf, type SessionWindow } from "./history-files.ts";

const window = (session_id: string, session_key: string, created_at: number, spawned_by: string | null = null): SessionWindow => ({
  session_id,
  session_key,
  created_at,
  updated_at: created_at,
  spawned_by,
  display_name: spawned_by === null ? null : "kid",
});

const windows = [
  window("root-before", "agent:main:main", 10),
  window("root", "agent:main:main", 20),
  window("child", "agent:main:subagent:c", 30, "agent:main:main"),
  window("grandchild", "agent:main:subagent:g", 40, "agent:main:subagent:c"),
  window("root-after", "agent:main:main", 50),
];
const named = (id: string) => windows.find(({ session_id }) => session_id === id) as SessionWindow;

it("finds the session that a sub-agent's root had when it was spawned", () => {
  expect(identityOf(named("child"), windows)).toMatchObject({
    sessionId: "root",
    agentId: "agent:main:subagent:c",
    parentAgentId: "root",
    depth: 1,
    agentName: "kid",
    channel: "main",
  });
  expect(identityOf(named("grandchild"), windows)).toMatchObject({ sessionId: "root", parentAgentId: "agent:main:subagent:c", depth: 2 });
  expect(identityOf(named("root-after"), windows)).toMatchObject({ sessionId: "root-after", agentId: "root-after", depth: 0 });
});

it("ends where keys name each other", () => {
  const circle = [window("a", "ka", 1, "kb"), window("b", "kb", 1, "ka")];
  expect(identityOf(circle[0] as SessionWindow, circle).depth).toBe(1);
});
