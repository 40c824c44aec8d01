import type { Agent } from "../api/agent.ts";
import type { ReplayStep } from "./replay.ts";
import { type Children, childrenOf, postOrder, visibleRows } from "./tree.ts";

/** One line of the timeline: an agent, or an agent with all below it where they are folded. */
export interface Lane {
  id: string;
  name: string;
  level: number;
  hasChildren: boolean;
  isFolded: boolean;
  /** Agents that are folded into it. */
  descendants: number;
  /** Of the agent, and of what is folded into it; null: unknown. */
  nanousd: string | null;
  unknownCalls: number;
  /** Indices of steps, ascending. */
  steps: readonly number[];
}

export interface AgentLanes {
  nodes: ReadonlyMap<string, Agent>;
  children: Children;
  own: ReadonlyMap<string, readonly number[]>;
  all: ReadonlyMap<string, readonly number[]>;
}

/** Which steps are whose. Steps of agents that are not known are nobody's: the first root's. */
export function toAgentLanes(agents: readonly Agent[], steps: readonly ReplayStep[]): AgentLanes {
  const nodes = new Map(agents.map((agent) => [agent.agent_id, agent]));
  const children = childrenOf(agents.map((agent) => ({ id: agent.agent_id, parent: agent.parent_agent_id })));
  const order = postOrder(children);
  const root = order.at(-1);
  const own = new Map<string, number[]>(agents.map((agent) => [agent.agent_id, []]));
  for (const [index, { step }] of steps.entries()) own.get(nodes.has(step.agent_id) ? step.agent_id : (root ?? ""))?.push(index);
  const all = new Map<string, readonly number[]>();
  for (const id of order) {
    const below = (children.get(id) ?? []).flatMap((child) => all.get(child) ?? []);
    all.set(id, below.length === 0 ? (own.get(id) ?? []) : [...(own.get(id) ?? []), ...below].sort((left, right) => left - right));
  }
  return { nodes, children, own, all };
}

export function visibleLanes({ nodes, children, own, all }: AgentLanes, isFolded: (agent: Agent, level: number) => boolean): Lane[] {
  const levels = new Map<string, number>();
  const folded = (id: string) => {
    const agent = nodes.get(id);
    const parent = agent?.parent_agent_id;
    const level = parent != null && levels.has(parent) ? (levels.get(parent) ?? 0) + 1 : 0;
    levels.set(id, level);
    return agent !== undefined && isFolded(agent, level);
  };
  return visibleRows(nodes, children, (id) => !folded(id)).map(({ node, level, hasChildren }) => {
    const closed = hasChildren && isFolded(node, level);
    return {
      id: node.agent_id,
      name: node.agent_name ?? node.agent_id,
      level,
      hasChildren,
      isFolded: closed,
      descendants: node.descendants,
      nanousd: closed ? node.rollup_cost_nanousd : node.cost_nanousd,
      unknownCalls: closed ? node.rollup_unknown_cost_calls : node.unknown_cost_calls,
      steps: (closed ? all : own).get(node.agent_id) ?? [],
    };
  });
}

/** Bars of one colour as the data of an SVG path: each pixel is drawn once, however many steps fall on it. */
export function barsPath(bars: Iterable<{ from: number; to: number }>, width: number, top: number, height: number): string {
  let path = "";
  let drawn = -1;
  for (const { from, to } of bars) {
    const left = Math.max(Math.floor(from * width), drawn);
    const right = Math.min(Math.max(Math.ceil(to * width), Math.floor(from * width) + 2), width);
    if (right <= left || right <= 0) continue;
    path += `M${Math.max(0, left)} ${top}h${right - Math.max(0, left)}v${height}H${Math.max(0, left)}z`;
    drawn = right;
  }
  return path;
}
