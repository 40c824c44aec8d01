import type { Agent } from "./agent.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import { openclaw } from "./openclaw.ts";

/** Every agent that can be registered, in the order that help shows them. */
export const agents: readonly Agent[] = [openclaw, claudeCode, codex];

/** Throws where there is no such agent: the command line has checked the name before. */
export function agentNamed(name: string): Agent {
  const found = agents.find((agent) => agent.name === name);
  if (found === undefined) throw new TypeError(`no agent ${name}`);
  return found;
}
