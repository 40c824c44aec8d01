import { expect, it } from "vitest";
import { createMapper } from "./map.ts";
import { createStopSwitch } from "./stop.ts";

const ROOT = { sessionKey: "agent:main:main", sessionId: "root-id", runId: "run-1" };
const KID = { sessionKey: "agent:main:subagent:kid", sessionId: "kid-id", runId: "run-2" };
const OTHER = { sessionKey: "agent:main:telegram:direct:1", sessionId: "other-id", runId: "run-3" };

const trace = (n: number, parent?: number) => ({
  traceId: "a".repeat(32),
  spanId: String(n).padStart(16, "0"),
  ...(parent !== undefined && { parentSpanId: String(parent).padStart(16, "0") }),
});

/** A root with a sub-agent, and another session; an aborted run ends as OpenClaw ends it, unless it `hangs`. */
function playing(hangs: readonly string[] = []) {
  const mapper = createMapper({ schedulerProviders: new Set(["signalbox"]), content: false });
  const runs = [
    { ...ROOT, trace: trace(1) },
    { ...KID, trace: trace(2, 1) },
    { ...OTHER, trace: { ...trace(3), traceId: "b".repeat(32) } },
  ];
  for (const run of runs) mapper.diagnostic({ type: "harness.run.started", ts: 1, ...run });
  const aborted: string[] = [];
  const stops = createStopSwitch(mapper, (id) => {
    aborted.push(id);
    const run = runs.find(({ sessionId }) => sessionId === id);
    if (!hangs.includes(id)) mapper.diagnostic({ type: "harness.run.completed", ts: 2, outcome: "aborted", ...run });
    return run !== undefined;
  });
  const event = (type: string, session: string, more: object = {}) =>
    stops.onEvent({ id: "1", type, data: { session, reason: "too dear", ...more } });
  return { mapper, stops, aborted, event };
}

it("a kill ends the runs of the whole tree and refuses new ones, of no other session", async () => {
  const { stops, aborted, event } = playing();
  expect(await event("session.killed", "root-id")).toEqual({ outcome: "stopped" });
  expect(aborted).toEqual(["root-id", "kid-id"]);
  for (const one of [ROOT, KID]) {
    expect(stops.answer("before_agent_run", one)).toMatchObject({
      outcome: "block",
      message: "This session is stopped by Signalbox: too dear",
    });
    expect(stops.answer("before_tool_call", one)).toMatchObject({ block: true });
  }
  for (const hook of ["before_agent_run", "before_tool_call", "model_call_started"]) expect(stops.answer(hook, OTHER)).toBeUndefined();
});

it("a kill of a sub-agent leaves its parent alone", async () => {
  const { stops, aborted, event } = playing();
  expect(await event("session.killed", KID.sessionKey)).toEqual({ outcome: "stopped" });
  expect(aborted).toEqual(["kid-id"]);
  expect(stops.answer("before_agent_run", ROOT)).toBeUndefined();
  expect(stops.answer("before_agent_run", KID)).toBeDefined();
});

it("a stop of one project's session is none of another project's, nor of one without a project", async () => {
  const { stops, aborted, event } = playing();
  for (const own of [undefined, "b"]) {
    stops.onProject(own);
    expect(await event("session.killed", "root-id", { project: "a" })).toEqual({ outcome: "absent" });
    expect(stops.answer("before_agent_run", ROOT)).toBeUndefined();
  }
  expect(aborted).toEqual([]);
  stops.onProject("a");
  expect(await event("session.killed", "root-id", { project: "a" })).toEqual({ outcome: "stopped" });
  expect(aborted).toEqual(["root-id", "kid-id"]);
  expect(stops.answer("before_agent_run", ROOT)).toMatchObject({ outcome: "block" });
});

it("resume lifts it", async () => {
  const { stops, event } = playing();
  await event("session.killed", "root-id", { descendants: [KID.sessionKey] });
  await event("session.resumed", "root-id", { descendants: [KID.sessionKey] });
  expect(stops.answer("before_agent_run", ROOT)).toBeUndefined();
  expect(stops.answer("before_tool_call", KID)).toBeUndefined();
});

it("a pause refuses new runs and lets those under way end", async () => {
  const { stops, aborted, event } = playing();
  expect(await event("session.paused", "root-id")).toEqual({ outcome: "stopped" });
  expect(aborted).toEqual([]);
  expect(stops.answer("before_agent_run", ROOT)).toMatchObject({ outcome: "block" });
  expect(stops.answer("before_tool_call", ROOT)).toBeUndefined();
});

it("says where it has nothing of a session, and where a run does not end", async () => {
  const { event } = playing(["kid-id"]);
  expect(await event("session.killed", "somebody-else")).toEqual({ outcome: "absent" });
  expect(await event("session.killed", "root-id")).toEqual({ outcome: "failed", detail: "1 runs have not ended after 1500 ms" });
  expect(await event("budget.warn", "root-id")).toBeUndefined();
});

it("a run that has made its last call has ended, whatever OpenClaw still writes down of it; it is told to end once", async () => {
  const { mapper, aborted, event } = playing(["kid-id"]);
  const receipt = event("session.killed", "root-id");
  mapper.hook("agent_end", {}, { ...KID, trace: trace(2, 1) });
  expect(await receipt).toEqual({ outcome: "stopped" });
  expect(aborted).toEqual(["root-id", "kid-id"]);
});

it("a call that begins all the same ends its run", async () => {
  const { mapper, stops, aborted, event } = playing();
  await event("session.killed", "root-id");
  mapper.diagnostic({ type: "harness.run.started", ts: 3, ...ROOT, runId: "run-4", trace: trace(9) });
  stops.answer("model_call_started", ROOT);
  expect(aborted).toEqual(["root-id", "kid-id", "root-id"]);
});

it("a run whose call the scheduler refused asks no fallback model; another run does", () => {
  const { mapper, stops } = playing();
  mapper.hook("model_call_started", { ...ROOT, provider: "signalbox", model: "auto" }, { trace: trace(11, 1) });
  mapper.responseStarted(trace(11).spanId, { "x-signalbox-refused": "budget_exhausted" });
  const attempt = { ...ROOT, modelProviderId: "openai" };
  expect(stops.answer("before_agent_run", attempt)).toMatchObject({
    outcome: "block",
    message: expect.stringContaining("budget_exhausted"),
  });
  expect(stops.answer("before_agent_run", { ...attempt, modelProviderId: "signalbox" })).toBeUndefined();
  expect(stops.answer("before_agent_run", { ...attempt, runId: "run-5" })).toBeUndefined();
});

it("what it missed while away is in the snapshot, and so is what was lifted", async () => {
  const { stops, aborted, event } = playing();
  await event("session.killed", OTHER.sessionId);
  stops.onSnapshot([{ session: "root-id", state: "killed", reason: "" }]);
  expect(aborted).toEqual(["other-id", "root-id", "kid-id"]);
  expect(stops.answer("before_agent_run", OTHER)).toBeUndefined();
  expect(stops.answer("before_agent_run", KID)).toMatchObject({ message: "This session is stopped by Signalbox" });
});
