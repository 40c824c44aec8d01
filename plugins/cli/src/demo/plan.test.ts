import { describe, expect, it } from "vitest";
import { RUNAWAY_SESSION } from "./fleet.ts";
import { countCalls, type PlannedAgent, type PlannedTurn, planFleet } from "./plan.ts";

const agentsOf = (turns: readonly PlannedTurn[]): PlannedAgent[] =>
  turns.flatMap((turn) => [turn.agent, ...turn.steps.flatMap((step) => (step.kind === "spawn" ? agentsOf([step.turn]) : []))]);

describe("planFleet", () => {
  it("is the same play for the same seed, and another for another", () => {
    expect(planFleet(1, 20)).toEqual(planFleet(1, 20));
    expect(planFleet(2, 20).turns).not.toEqual(planFleet(1, 20).turns);
  });

  it("has 24 agents on several channels and tasks, each in a session of its own, in plays of any length", () => {
    for (const seconds of [3, 20, 300]) {
      const { turns } = planFleet(1, seconds);
      expect(new Set(turns.map(({ agent }) => agent.sessionId)).size).toBe(24);
      expect(new Set(turns.map(({ agent }) => agent.channel))).toEqual(
        new Set(["cron", "telegram", "slack", "whatsapp", "discord", "cli"]),
      );
      expect(new Set(turns.map(({ task }) => task)).size).toBe(5);
      expect(Math.max(...turns.map(({ atMs }) => atMs))).toBeLessThanOrEqual(seconds * 800);
    }
  });

  it("has one runaway: a tree of 18 agents in one Telegram thread", () => {
    for (const seed of [1, 2, 99]) {
      const runaway = agentsOf(planFleet(seed, 20).turns.filter(({ agent }) => agent.sessionId === RUNAWAY_SESSION));
      expect(runaway).toHaveLength(18);
      const ids = new Set(runaway.map(({ agentId }) => agentId));
      expect(ids.size).toBe(18);
      expect(runaway.filter(({ parentAgentId }) => parentAgentId === undefined)).toHaveLength(1);
      for (const { parentAgentId, sessionId } of runaway) {
        expect(sessionId).toBe(RUNAWAY_SESSION);
        if (parentAgentId !== undefined) expect(ids).toContain(parentAgentId);
      }
    }
  });

  it("tells why: a note that another session wrote is what the runaway reads before it spawns", () => {
    const { turns } = planFleet(1, 20);
    const toolsOf = (turn: PlannedTurn | undefined) => (turn?.steps ?? []).flatMap((step) => (step.kind === "tool" ? [step] : []));
    const runaway = turns.find(({ agent }) => agent.sessionId === RUNAWAY_SESSION);
    const read = toolsOf(runaway)[0]?.memory;
    expect(read).toMatchObject({ operation: "read" });
    const note = turns.find((turn) => toolsOf(turn).some(({ memory }) => memory?.operation === "write" && memory.path === read?.path));
    expect(note?.agent.sessionId).not.toBe(RUNAWAY_SESSION);
    expect(note?.atMs).toBeLessThan(runaway?.atMs ?? 0);
    expect(runaway?.steps.findIndex((step) => step.kind === "tool")).toBeLessThan(
      runaway?.steps.findIndex((step) => step.kind === "spawn") ?? -1,
    );
  });

  it("lets the runaway go round for most of the play, so that there is time to stop it", () => {
    const runaway = planFleet(1, 40).turns.find(({ agent }) => agent.sessionId === RUNAWAY_SESSION);
    const pauses = (runaway?.steps ?? []).reduce((sum, step) => sum + (step.kind === "tool" ? step.durationMs : 0), 0);
    expect((runaway?.atMs ?? 0) + pauses).toBeGreaterThan(40_000 * 0.7);
  });

  it("stays small: about a hundred calls of a few tokens in 20 seconds", () => {
    const { turns } = planFleet(1, 20);
    expect(countCalls(turns)).toBeGreaterThan(80);
    expect(countCalls(turns)).toBeLessThan(200);
    const steps = turns.flatMap((turn) => turn.steps);
    for (const step of steps) if (step.kind === "chat") expect(step.maxTokens).toBeLessThanOrEqual(32);
  });

  it("only adds turns when it plays longer", () => {
    const short = planFleet(3, 20).turns.filter(({ agent }) => agent.name === "uptime-watch");
    const long = planFleet(3, 40).turns.filter(({ agent }) => agent.name === "uptime-watch");
    expect(long.slice(0, short.length)).toEqual(short);
    expect(long.length).toBeGreaterThan(short.length);
  });
});
