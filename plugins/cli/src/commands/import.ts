import { homedir } from "node:os";
import { readSettings } from "@signalbox/local";
import { Argument, type Command, InvalidArgumentError } from "commander";
import { agents } from "../agents/index.ts";
import { historyOf } from "../import/history.ts";
import type { ImportResult } from "../import/run.ts";
import { requireRunning } from "../running.ts";
import { createTerminal, type Terminal } from "../terminal.ts";

const HELP = `
Reads what your agents keep of their past on this machine (transcripts of Claude Code, rollouts of Codex, sessions of OpenClaw, archives
too) and sends it to the running Signalbox: sessions, turns, model calls with tokens and cost, tool calls, sub-agents. The files are only
read. It can be run again at any time: what is there already adds nothing, and a call that was also seen live counts once.

Examples:
  npx signalbox import --dry-run                    say what there is, send nothing
  npx signalbox import                              all agents, all of their past
  npx signalbox import claude-code --since 30d      one agent, the last 30 days
  npx signalbox import --since 2026-11-01 --no-content   numbers alone, no prompts and answers`;

const ALL = "all";

interface Flags {
  since?: number;
  dryRun?: boolean;
  content: boolean;
  json?: boolean;
}

export function addImport(program: Command): void {
  program
    .command("import")
    .summary("bring in what agents did before")
    .description("Bring in what your agents did before Signalbox, from what they keep on disk.")
    .addArgument(new Argument("[agent]", "whose history").choices([ALL, ...agents.map(({ name }) => name)]).default(ALL))
    .option("--since <time>", "leave out what ended before: a date, or 12h, 30d, 8w ago", parseSince)
    .option("--dry-run", "say what there is, send nothing")
    .option("--no-content", "leave out prompts, answers, arguments and results")
    .option("--json", "print one JSON object at the end")
    .addHelpText("after", HELP)
    .action(runImport);
}

async function runImport(agent: string, { since = 0, dryRun, content, json }: Flags): Promise<void> {
  const terminal = createTerminal(json ? process.stderr : process.stdout);
  const chosen = agents.filter(({ name }) => agent === ALL || agent === name);
  const otlp = dryRun ? undefined : requireRunning(readSettings(process.env).home).addresses.otlp;
  const results: Record<string, ImportResult> = {};
  for (const { name, title, history } of chosen) {
    results[name] = await historyOf({ title, sources: history(homedir()), terminal, sinceMs: since, content, ...(otlp && { otlp }) });
  }
  if (json) process.stdout.write(`${JSON.stringify({ dry_run: dryRun === true, agents: results })}\n`);
  else sayResults(results, dryRun === true, terminal);
}

function sayResults(results: Record<string, ImportResult>, dryRun: boolean, terminal: Terminal): void {
  const all = Object.values(results);
  for (const { malformed, malformed_lines } of all) {
    for (const place of malformed) terminal.line(`  ${terminal.style("yellow", "!")} ${place}`);
    if (malformed_lines > malformed.length)
      terminal.line(`    and ${malformed_lines - malformed.length} more lines that could not be read`);
  }
  if (all.every(({ files }) => files === 0)) terminal.line("  There is no history of these agents in this home folder.");
  else if (dryRun)
    terminal.line("  Nothing was sent (--dry-run). Without it these sessions come up in the dashboard; a second time adds nothing.");
  else terminal.line("  Sent. What was there already was not counted again.");
}

const UNIT_MS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** @returns milliseconds since the epoch */
export function parseSince(text: string, _before?: unknown, now = Date.now()): number {
  const [, amount, unit = ""] = /^(\d{1,6})([hdw])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (UNIT_MS[unit] as number);
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError("a date (2026-11-01), a time (RFC 3339), or how long ago: 12h, 30d, 8w.");
  return ms;
}
