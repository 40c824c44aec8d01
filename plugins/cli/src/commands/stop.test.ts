import { expect, it } from "vitest";
import { inWords, whatDies } from "./stop.ts";

const now = { session_id: "s", state: "active", reason: null, in_flight: [] };

const ofProject = (project: string, ids: readonly string[]) => ({
  project,
  agents: ids.map((agent_id) => ({ agent_id, agent_name: agent_id.startsWith("child") ? "kid" : null })),
});

it("says what a kill will stop: descendants and calls under way", () => {
  const agents = ["s", ...Array.from({ length: 12 }, (_, index) => `child-${index}`)];
  const call = { agent_id: "s", model: "qwen", pool: "epyc-a", state: "running", running_ms: 2_340 };
  const lines = whatDies("s", undefined, [ofProject("default", agents)], { ...now, in_flight: [call] });
  expect(lines[0]).toBe("s, with 12 sub-agents:");
  expect(lines[1]).toBe("  kid  child-0");
  expect(lines.slice(11)).toEqual(["  and 2 more", "1 model call under way.", "  qwen on epyc-a, running for 2.3 s"]);
});

it("says whose session it is where one project is named, and of all where none is and several have it", () => {
  const [acme, other] = [ofProject("acme", ["acme\u001fs", "acme\u001fchild"]), ofProject("default", ["s"])];
  expect(whatDies("s", "acme", [acme], now)).toEqual(["s of acme, with 1 sub-agent:", "  agent  child", "No model calls under way."]);
  expect(whatDies("s", undefined, [acme, other], now)).toEqual([
    "s of acme, with 1 sub-agent:",
    "  agent  child",
    "s of default, no sub-agents",
    "Both are stopped; one of them alone: --project <name>",
    "No model calls under way.",
  ]);
  expect(whatDies("s", "acme", [], now)[0]).toMatch(/^No session s of acme is recorded/);
});

it("says where nothing is known of a session, and where it is stopped already", () => {
  expect(whatDies("s", undefined, [], now)[0]).toMatch(/^No session s is recorded/);
  expect(whatDies("s", undefined, [], { ...now, state: "paused", reason: "lunch" }).at(-1)).toBe("It is paused already: lunch.");
});

it("puts the receipt in words, what is unknown among them", () => {
  const receipt = {
    session: "s",
    state: "killed",
    descendants: ["a"],
    upstream_closed: 1,
    slots_freed: 2,
    dequeued: 1,
    agents_acknowledged: ["claude-code on laptop"],
    unknown: ["one agent did not answer"],
    elapsed_ms: 12,
  };
  expect(inWords("kill", receipt)).toEqual([
    "s is killed, with 1 sub-agent.",
    "1 call closed at the pools, 2 slots free again.",
    "1 call taken out of the line.",
    "Stopped by its own word: claude-code on laptop.",
    "Unknown: one agent did not answer",
  ]);
  const idle = { ...receipt, descendants: [], upstream_closed: 0, slots_freed: 0, dequeued: 0, agents_acknowledged: [], unknown: [] };
  expect(inWords("kill", idle)).toEqual(["s is killed.", "No call was under way at that moment: there was nothing to cut off."]);
  const unseen = "no call or span of this session was seen so far; it is stopped should it appear";
  expect(inWords("kill", { ...idle, unknown: [unseen] })).toEqual(["s is killed.", "No call was seen to end.", `Unknown: ${unseen}`]);
  expect(inWords("pause", idle)).toEqual(["s is paused.", "Calls under way end by themselves."]);
  const resumed = { ...receipt, state: "active", descendants: [], agents_acknowledged: [], unknown: [] };
  expect(inWords("resume", resumed)).toEqual(["s is active again."]);
  const elsewhere = "it is still killed: a stop of this id in every project holds; this lifts it: npx signalbox resume s";
  expect(inWords("resume", { ...resumed, project: "acme", state: "killed", unknown: [elsewhere] })).toEqual([
    "s of acme is still killed.",
    `Unknown: ${elsewhere}`,
  ]);
  expect(inWords("kill", { ...receipt, project: "acme", descendants: [] })[0]).toBe("s of acme is killed.");
});
