import type { SlaClass } from "@signalbox/otel/conventions";
import { FLEET, type FleetMember, RUNAWAY_SESSION, RUNAWAY_SUB_AGENTS, TASK_SLA, type Task, TRAVEL_NOTER } from "./fleet.ts";
import { createRandom, type Random } from "./random.ts";
import { type MemoryAccess, memoryOf, promptFor, RESEARCH_TOPICS, TOOLS, TRAVEL_NOTE, TRAVEL_READ } from "./script.ts";

/** An agent inside a session: the root agent, or one that it spawned. */
export interface PlannedAgent {
  sessionId: string;
  /** equals sessionId for the root agent */
  agentId: string;
  parentAgentId?: string;
  name: string;
  depth: number;
  channel: string;
  user: string;
}

export type PlannedStep =
  | { kind: "chat"; prompt: string; maxTokens: number }
  | { kind: "tool"; name: string; callId: string; durationMs: number; memory?: MemoryAccess }
  /** a tool call that starts a sub-agent and returns at once, as OpenClaw's sessions_spawn does */
  | { kind: "spawn"; callId: string; turn: PlannedTurn };

/** One turn of one agent. */
export interface PlannedTurn {
  agent: PlannedAgent;
  task: Task;
  sla: SlaClass;
  /** milliseconds from the start of the play, or from the spawn for a sub-agent */
  atMs: number;
  steps: PlannedStep[];
}

export interface Plan {
  seed: number;
  seconds: number;
  agents: number;
  turns: PlannedTurn[];
  runawaySession: string;
}

/** The play: pure, so that the same seed and length give the same sessions, agents, prompts and times. */
export function planFleet(seed: number, seconds: number): Plan {
  // Each agent draws from a sequence of its own: a longer play only adds turns.
  const turns = FLEET.flatMap((member, index) => planMember(member, seconds, createRandom(seed * 1009 + index)));
  return { seed, seconds, agents: FLEET.length, turns: turns.sort((a, b) => a.atMs - b.atMs), runawaySession: RUNAWAY_SESSION };
}

/** Sub-agents included. */
export function countCalls(turns: readonly PlannedTurn[]): number {
  const inStep = (step: PlannedStep): number => (step.kind === "chat" ? 1 : step.kind === "spawn" ? countCalls([step.turn]) : 0);
  return turns.reduce((sum, turn) => sum + turn.steps.reduce((inTurn, step) => inTurn + inStep(step), 0), 0);
}

function planMember(member: FleetMember, seconds: number, random: Random): PlannedTurn[] {
  const { sessionId, name, channel, user, task } = member;
  const agent: PlannedAgent = { sessionId, agentId: sessionId, name, depth: 0, channel, user };
  if (sessionId === RUNAWAY_SESSION) return [planRunaway(agent, { fromMs: seconds * 150, untilMs: seconds * 800 }, random)];
  const turns: PlannedTurn[] = name === TRAVEL_NOTER ? [planTravelNote(agent, random)] : [];
  // The last fifth is left free, so that the turns that started can end in time.
  const lastMs = seconds * 800;
  const periodMs = member.everySeconds * 1000;
  for (let atMs = random.next() * Math.min(periodMs, lastMs); atMs <= lastMs; atMs += periodMs) {
    turns.push({ agent, task, sla: TASK_SLA[task], atMs: Math.round(atMs), steps: planSteps(task, random) });
  }
  return turns;
}

const REPLY_TOKENS: Record<Task, readonly [number, number]> = {
  heartbeat: [4, 8],
  poll: [6, 12],
  summary: [16, 32],
  coding: [12, 24],
  research: [8, 16],
};
const TOOL_CALLS: Record<Task, readonly [number, number]> = {
  heartbeat: [0, 0],
  poll: [0, 1],
  summary: [1, 1],
  coding: [1, 3],
  research: [1, 1],
};

/** A model call, and after every tool call another one: that is how an agent's loop goes. */
function planSteps(task: Task, random: Random): PlannedStep[] {
  const chat = (): PlannedStep => ({ kind: "chat", prompt: promptFor(task, random), maxTokens: random.between(...REPLY_TOKENS[task]) });
  const steps = [chat()];
  for (let tools = random.between(...TOOL_CALLS[task]); tools > 0; tools--) {
    const tool = random.pick(TOOLS[task]);
    steps.push(planTool(tool, random, memoryOf(task, tool, random)), chat());
  }
  return steps;
}

const planTool = (name: string, random: Random, memory?: MemoryAccess): PlannedStep => ({
  kind: "tool",
  name,
  callId: callId(random),
  durationMs: random.between(20, 250),
  ...(memory && { memory }),
});

/** The first thing that happens: a digest leaves a note in the memory that the trip planner reads. */
function planTravelNote(agent: PlannedAgent, random: Random): PlannedTurn {
  const [first, ...rest] = planSteps("poll", random);
  return {
    agent,
    task: "summary",
    sla: TASK_SLA.summary,
    atMs: 0,
    steps: [planTool("edit", random, TRAVEL_NOTE), ...(first ? [first] : []), ...rest],
  };
}

/** How long the runaway searches before it asks again: it goes round until the play ends, or somebody stops it. */
const ROUND_MS = 2_000;

/** The root spawns five, and they spawn the others: a tree of 18 agents with the root. */
function planRunaway(root: PlannedAgent, { fromMs, untilMs }: { fromMs: number; untilMs: number }, random: Random): PlannedTurn {
  const direct = 5;
  const topics = [...RESEARCH_TOPICS];
  const spawn = (parent: PlannedAgent, children: number): PlannedStep => {
    const agent: PlannedAgent = {
      ...parent,
      agentId: `agent:main:subagent:${random.uuid()}`,
      parentAgentId: parent.agentId,
      name: topics.shift() ?? "research",
      depth: parent.depth + 1,
    };
    const [first, ...rest] = planSteps("research", random);
    const spawned = Array.from({ length: children }, () => spawn(agent, 0));
    const steps = [...(first ? [first] : []), ...spawned, ...rest];
    return {
      kind: "spawn",
      callId: callId(random),
      turn: { agent, task: "research", sla: TASK_SLA.research, atMs: random.between(10, 120), steps },
    };
  };
  const indirect = RUNAWAY_SUB_AGENTS - direct;
  const spawns = Array.from({ length: direct }, (_, index) => spawn(root, Math.floor((indirect + index) / direct)));
  const [first, ...rest] = planSteps("research", random);
  const rounds = Array.from({ length: Math.floor((untilMs - fromMs) / ROUND_MS) }, (): PlannedStep[] => [
    { kind: "tool", name: "web_search", callId: callId(random), durationMs: ROUND_MS },
    { kind: "chat", prompt: promptFor("research", random), maxTokens: random.between(...REPLY_TOKENS.research) },
  ]);
  return {
    agent: root,
    task: "research",
    sla: TASK_SLA.research,
    atMs: fromMs,
    steps: [planTool("memory_search", random, TRAVEL_READ), ...(first ? [first] : []), ...spawns, ...rest, ...rounds.flat()],
  };
}

const callId = (random: Random) => `call_${random.uuid().slice(0, 8)}`;
