import { describe, expect, it } from "vitest";
import { type SessionFacts, Sessions } from "./sessions.ts";

const facts = (sessionKey: string, more: Partial<SessionFacts> = {}): SessionFacts => ({
  sessionKey,
  sessionId: `id of ${sessionKey}`,
  channel: undefined,
  trigger: "user",
  runId: "run",
  traceParentKey: undefined,
  ...more,
});
const ROOT = "agent:main:telegram:direct:1";
const kid = (name: string) => `agent:main:subagent:${name}`;
const call = (toolCallId: string) => ({ runId: "run", toolCallId });

describe("descent", () => {
  it("goes down any number of levels to one session", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT));
    for (const [parent, child] of [
      [ROOT, kid("a")],
      [kid("a"), kid("b")],
      [kid("b"), kid("c")],
    ] as const) {
      sessions.spawned(parent, child, `the ${child.at(-1)}`);
      sessions.identify(facts(child));
    }
    expect(sessions.identify(facts(kid("c")))).toMatchObject({
      sessionId: `id of ${ROOT}`,
      agentId: kid("c"),
      parentAgentId: kid("b"),
      depth: 3,
      agentName: "the c",
      channel: "telegram",
      humanWaits: false,
    });
  });

  it("is found by the trace where no hook told of the spawn, and a child without any parent is a session of its own", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT));
    expect(sessions.identify(facts(kid("a"), { traceParentKey: ROOT }))).toMatchObject({ sessionId: `id of ${ROOT}`, depth: 1 });
    expect(sessions.identify(facts(kid("b")))).toMatchObject({ sessionId: `id of ${kid("b")}`, agentId: `id of ${kid("b")}`, depth: 0 });
  });

  it("a sub-agent stays in the session it was spawned in when its spawner's session begins anew", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT, { sessionId: "first" }));
    sessions.spawned(ROOT, kid("a"));
    expect(sessions.identify(facts(ROOT, { sessionId: "second" })).sessionId).toBe("second");
    expect(sessions.identify(facts(kid("a"))).sessionId).toBe("first");
  });

  it("a session that names itself its child is no loop", () => {
    const sessions = new Sessions();
    sessions.identify(facts(kid("a")));
    sessions.spawned(kid("a"), kid("a"));
    expect(sessions.identify(facts(kid("a"), { traceParentKey: kid("a") }))).toBeDefined();
  });
});

describe("the spawning tool call", () => {
  it("is the one under way, if there is one", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT));
    sessions.spawnCallStarted(ROOT, call("1"));
    sessions.spawned(ROOT, kid("a"));
    expect(sessions.spawnOf(kid("a"))).toEqual(call("1"));
  });

  it("of several under way is left open until a result names the child", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT));
    sessions.spawnCallStarted(ROOT, call("1"));
    sessions.spawnCallStarted(ROOT, call("2"));
    sessions.spawned(ROOT, kid("a"), "label");
    expect(sessions.spawnOf(kid("a"))).toBeUndefined();
    sessions.spawnCallEnded(ROOT, call("2"), kid("a"));
    expect(sessions.spawnOf(kid("a"))).toEqual(call("2"));
    expect(sessions.identify(facts(kid("a"))).agentName).toBe("label");
  });

  it("that ended without a child is not taken for a later one's", () => {
    const sessions = new Sessions();
    sessions.identify(facts(ROOT));
    sessions.spawnCallStarted(ROOT, call("1"));
    sessions.spawnCallEnded(ROOT, call("1"), undefined);
    sessions.spawned(ROOT, kid("a"));
    expect(sessions.spawnOf(kid("a"))).toBeUndefined();
  });
});

describe("who waits", () => {
  it.each([
    [ROOT, {}, true, undefined, "telegram"],
    ["agent:main:main", {}, true, undefined, "main"],
    ["agent:main:main", { channel: "whatsapp" }, true, undefined, "whatsapp"],
    ["agent:main:main", { trigger: "heartbeat" }, false, "heartbeat", "main"],
    ["agent:main:main:heartbeat", {}, false, "heartbeat", "heartbeat"],
    ["agent:main:cron:j:run:1", {}, false, "cron", "cron"],
    ["agent:main:main", { trigger: "cron" }, false, "cron", "main"],
    ["agent:main:main", { runId: "announce:v1:x" }, false, undefined, "main"],
    ["agent:main:notes", {}, false, undefined, undefined],
  ] as const)("%s %o", (key, more, humanWaits, task, channel) => {
    expect(new Sessions().identify(facts(key, more))).toMatchObject({ humanWaits, task, channel });
  });
});

it("remembers a bounded number of sessions", () => {
  const sessions = new Sessions();
  sessions.identify(facts(ROOT));
  for (let i = 0; i < 10_000; i++) {
    sessions.spawned(ROOT, kid(`${i}`));
    if (i < 4_000) sessions.identify(facts(kid(`${i}`)));
  }
  expect(sessions.identify(facts(kid("9999"))).depth).toBe(1);
  expect(sessions.identify(facts(kid("1"))).depth).toBe(0);
});
