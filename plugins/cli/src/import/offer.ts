import { existsSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { HistorySource } from "@signalbox/otel/history";
import type { Agent } from "../agents/agent.ts";
import type { Terminal } from "../terminal.ts";
import { historyOf } from "./history.ts";

export interface Offer {
  agents: readonly Agent[];
  /** Signalbox's state folder: the answer is kept there. */
  stateDir: string;
  otlp: string;
  terminal: Terminal;
  /** Ends the question: Ctrl-C is not an answer. */
  signal: AbortSignal;
}

const ANSWER_FILE = "import-offered.json";

/**
 * Offers once to bring in what agents did before, where there is some and somebody at a terminal. Either answer is remembered; without
 * one it is offered again at the next start. Never rejects: the start does not hang on it.
 */
export async function offerImport({ agents, stateDir, otlp, terminal, signal }: Offer): Promise<void> {
  const file = join(stateDir, ANSWER_FILE);
  if (existsSync(file)) return;
  try {
    const found = await agentsWithHistory(agents);
    if (found.length === 0) return;
    const names = found.map(({ title }) => title).join(", ");
    const yes = await ask(
      `  There is history of ${names} on this machine. Bring it in now? It is only read, and stays here. [y/N] `,
      signal,
    );
    writeFileSync(file, `${JSON.stringify({ offered_at: new Date().toISOString(), accepted: yes })}\n`, { mode: 0o600 });
    if (yes) {
      for (const { title, history } of found)
        await historyOf({ title, sources: until(history(homedir()), signal), terminal, sinceMs: 0, content: true, otlp });
    } else terminal.line(terminal.style("dim", "  Any time later: npx signalbox import"));
  } catch (error) {
    if (!signal.aborted) terminal.line(`  History was not brought in: ${(error as Error).message} Try again: npx signalbox import`);
  }
}

/** Those that have at least one file of history; the first is enough to know. */
export async function agentsWithHistory(agents: readonly Agent[]): Promise<Agent[]> {
  const found: Agent[] = [];
  for (const agent of agents) {
    for await (const _ of agent.history(homedir())) {
      found.push(agent);
      break;
    }
  }
  return found;
}

async function* until(sources: AsyncIterable<HistorySource>, signal: AbortSignal): AsyncGenerator<HistorySource> {
  for await (const source of sources) {
    if (signal.aborted) return;
    yield source;
  }
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  // in raw mode readline has Ctrl-C for itself
  asking.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test((await asking.question(question, { signal })).trim());
  } finally {
    asking.close();
  }
}
