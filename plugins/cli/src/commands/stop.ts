import { createInterface } from "node:readline/promises";
import { readSettings, readToken, SetupError, statePaths } from "@signalbox/local";
import { plainId } from "@signalbox/otel/conventions";
import type { Command } from "commander";
import { createControlApi, type Receipt, type SessionNow } from "../control-api.ts";
import { ExitCode } from "../exit-code.ts";
import { createReadApi, type StoredSession } from "../read-api.ts";
import { requireRunning } from "../running.ts";
import { createTerminal, type Terminal } from "../terminal.ts";

type Action = "kill" | "pause" | "resume";

const WORDS: Record<Action, { summary: string; description: string; help: string; done: string; agents: string }> = {
  kill: {
    summary: "stop a session with all its sub-agents",
    description: "Stop a session with all its sub-agents: calls under way are closed, later ones refused.",
    done: "killed",
    agents: "stopped",
    help: `
The id is the one on the dashboard's Sessions page; one of an agent inside a session stops that agent and those below it. It shows what
will be stopped and asks; --yes does not ask. The receipt says what was seen to stop, and "unknown" where nothing confirmed it.
Nothing of it runs again before: npx signalbox resume <session>

Examples:
  npx signalbox kill 7b53ae41-06c6-43af-8e71-406aafa52c59 --reason "loops"
  npx signalbox kill agent:main:subagent:d05a5ce3-c1e5-4202-a800-2107108fb991 --yes --json`,
  },
  pause: {
    summary: "refuse a session's further calls",
    description: "Refuse a session's further calls, and its sub-agents', until it is resumed.",
    done: "paused",
    agents: "paused",
    help: `
Calls under way end by themselves; the agents are told that later ones are served again when it is resumed.

Examples:
  npx signalbox pause 7b53ae41-06c6-43af-8e71-406aafa52c59 --reason "look at the bill first"`,
  },
  resume: {
    summary: "let a stopped session go on",
    description: "Lift a kill or a pause, and the pause of a budget.",
    done: "active again",
    agents: "let go on",
    help: `
Later calls are admitted again; what was closed stays closed: ask the agent to go on.

Examples:
  npx signalbox resume 7b53ae41-06c6-43af-8e71-406aafa52c59`,
  },
};

interface Flags {
  project?: string;
  reason?: string;
  yes?: boolean;
  json?: boolean;
}

/** `kill`, `pause` and `resume`. */
export function addStop(program: Command): void {
  for (const action of ["kill", "pause", "resume"] as const) {
    const { summary, description, help } = WORDS[action];
    const command = program.command(action).summary(summary).description(description).argument("<session>", "its id, or an agent's");
    command.option("--project <name>", "of this project alone, where others have a session of the same id; default: all of them");
    command.option("--reason <text>", "in words, shown to the agent and on the dashboard");
    if (action === "kill") command.option("--yes", "do not ask");
    command
      .option("--json", "print the receipt as JSON")
      .addHelpText("after", help)
      .action((session: string, flags: Flags) => change(action, session, flags));
  }
}

async function change(action: Action, session: string, flags: Flags): Promise<void> {
  const { home, token: given } = readSettings(process.env);
  // before the token, which the first start makes
  const { addresses } = requireRunning(home);
  const token = given ?? readToken(statePaths(home));
  const control = createControlApi(addresses.scheduler, token);
  const terminal = createTerminal(flags.json ? process.stderr : process.stdout);
  if (action === "kill" && flags.yes !== true) {
    if (flags.json === true || !process.stdin.isTTY)
      throw new SetupError("confirm", "kill asks first, and nobody is at a terminal: say --yes.");
    const stored = await createReadApi(addresses.web, token).sessionsOf(session, flags.project);
    const lines = whatDies(session, flags.project, stored, await control.session(session, flags.project));
    if (!(await confirm(session, flags.project, lines, terminal))) {
      terminal.line("  Nothing was stopped.");
      process.exitCode = ExitCode.interrupted;
      return;
    }
  }
  const receipt = await control.change(session, flags.project, action, flags.reason ?? "");
  if (flags.json) process.stdout.write(`${JSON.stringify(receipt)}\n`);
  else sayReceipt(action, receipt, terminal);
}

async function confirm(session: string, project: string | undefined, lines: readonly string[], terminal: Terminal): Promise<boolean> {
  terminal.line();
  for (const line of lines) terminal.line(`  ${line}`);
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await asking.question(`\n  Kill ${session}${ofProject(project)}? [y/N] `)).trim());
  } finally {
    asking.close();
  }
}

const MAX_SHOWN = 10;
const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

const ofProject = (project: string | undefined) => (project === undefined ? "" : ` of ${project}`);

/** What a kill will stop, a line each. @param project the only one that it is of; undefined: it holds in all */
export function whatDies(session: string, project: string | undefined, stored: readonly StoredSession[], now: SessionNow): string[] {
  const lines: string[] = [];
  if (stored.length === 0)
    lines.push(`No session ${session}${ofProject(project)} is recorded: what calls by that id is stopped, now and later.`);
  for (const { project: its, agents } of stored) {
    const below = agents.filter(({ agent_id: id }) => plainId(id) !== session);
    const whose = stored.length > 1 ? ofProject(its) : ofProject(project);
    lines.push(`${session}${whose}${below.length === 0 ? ", no sub-agents" : `, with ${plural(below.length, "sub-agent")}:`}`);
    for (const { agent_id: id, agent_name: name } of below.slice(0, MAX_SHOWN)) lines.push(`  ${name ?? "agent"}  ${plainId(id)}`);
    if (below.length > MAX_SHOWN) lines.push(`  and ${below.length - MAX_SHOWN} more`);
  }
  if (stored.length > 1)
    lines.push(`${stored.length === 2 ? "Both" : `All ${stored.length}`} are stopped; one of them alone: --project <name>`);
  lines.push(`${now.in_flight.length === 0 ? "No" : now.in_flight.length} model call${now.in_flight.length === 1 ? "" : "s"} under way.`);
  for (const call of now.in_flight.slice(0, MAX_SHOWN)) {
    const seconds = (call.running_ms / 1000).toFixed(1);
    lines.push(`  ${call.model ?? "a model"} on ${call.pool ?? "no pool yet"}, ${call.state} for ${seconds} s`);
  }
  if (now.state !== "active") lines.push(`It is ${now.state} already${now.reason ? `: ${now.reason}` : ""}.`);
  return lines;
}

/** Resumed in one project, while a stop holds in every project. */
const isStillStopped = (action: Action, { state }: Receipt) => action === "resume" && state !== "active";

/** The receipt in words. */
export function inWords(action: Action, receipt: Receipt): string[] {
  const { done, agents } = WORDS[action];
  const below = receipt.descendants.length;
  const is = isStillStopped(action, receipt) ? `still ${receipt.state}` : done;
  const lines = [`${receipt.session}${ofProject(receipt.project)} is ${is}${below === 0 ? "" : `, with ${plural(below, "sub-agent")}`}.`];
  if (action === "pause") lines.push("Calls under way end by themselves.");
  if (action === "kill") {
    const { upstream_closed, slots_freed, dequeued, unknown } = receipt;
    const isNothing = upstream_closed + slots_freed + dequeued === 0;
    if (isNothing && unknown.length === 0) lines.push("No call was under way at that moment: there was nothing to cut off.");
    else if (isNothing) lines.push("No call was seen to end.");
    else lines.push(`${plural(receipt.upstream_closed, "call")} closed at the pools, ${plural(receipt.slots_freed, "slot")} free again.`);
    if (receipt.dequeued > 0) lines.push(`${plural(receipt.dequeued, "call")} taken out of the line.`);
  }
  for (const agent of receipt.agents_acknowledged)
    lines.push(`${agents.replace(/^./, (first) => first.toUpperCase())} by its own word: ${agent}.`);
  for (const unknown of receipt.unknown) lines.push(`Unknown: ${unknown}`);
  return lines;
}

function sayReceipt(action: Action, receipt: Receipt, terminal: Terminal): void {
  const [first = "", ...rest] = inWords(action, receipt);
  terminal.line(`\n  ${isStillStopped(action, receipt) ? terminal.style("yellow", "!") : terminal.style("green", "✓")} ${first}`);
  for (const line of rest) terminal.line(`    ${line.startsWith("Unknown") ? terminal.style("yellow", line) : line}`);
  const project = receipt.project === undefined ? "" : ` --project ${receipt.project}`;
  if (action !== "resume") terminal.line(terminal.style("dim", `    Let it go on: npx signalbox resume ${receipt.session}${project}`));
  terminal.line();
}
