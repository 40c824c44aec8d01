import { homedir } from "node:os";
import { createInterface } from "node:readline/promises";
import { addressesOf, readSettings, runningInstall, SetupError, statePaths } from "@signalbox/local";
import type { RegisterReport } from "@signalbox/otel/register";
import { Argument, type Command } from "commander";
import type { Agent, AgentPlace } from "../agents/agent.ts";
import { agentNamed, agents } from "../agents/index.ts";
import { createTerminal } from "../terminal.ts";

const REGISTER_HELP = `
Sets the agent up to send its spans here and, unless --observe-only, its model calls through the scheduler. What was there is kept,
and unregister brings it back. Nothing is changed that is not shown.

Examples:
${agents.map(({ name, title }) => `  npx signalbox register ${name.padEnd(25)} ${title}`).join("\n")}
  npx signalbox register openclaw --dry-run        show the change, write nothing
  npx signalbox register openclaw --observe-only   watch only: models are called as before`;

const UNREGISTER_HELP = `
Removes what register wrote and brings back what was there. A value that someone changed since is left alone, and said.

Examples:
  npx signalbox unregister openclaw --dry-run
  npx signalbox unregister openclaw`;

interface Flags {
  dryRun?: boolean;
  observeOnly?: boolean;
  project?: string;
  trustHooks?: boolean;
  json?: boolean;
}

export function addRegister(program: Command): void {
  program
    .command("register")
    .summary("point an agent at Signalbox")
    .description("Point an agent at Signalbox.")
    .addArgument(agentArgument())
    .option("--dry-run", "show what would change, write nothing")
    .option("--observe-only", "watch only: no model call is rerouted")
    .option("--project <folder>", "for this project alone, not for the user")
    .option("--trust-hooks", "let the agent run our hooks without being asked")
    .option("--no-trust-hooks", "install no hooks")
    .option("--json", "print JSON")
    .addHelpText("after", REGISTER_HELP)
    .action(async (name: string, flags: Flags) => {
      const settings = readSettings(process.env);
      const addresses = runningInstall(statePaths(settings.home).lock)?.addresses ?? addressesOf(settings);
      const key = process.env.SIGNALBOX_KEY;
      const report = await agentNamed(name).register({
        ...placeOf(agentNamed(name), settings.home, flags),
        schedulerUrl: addresses.scheduler,
        otlpEndpoint: addresses.otlp,
        ...(key ? { key } : {}),
        observeOnly: flags.observeOnly === true,
        trustHooks: async (explanation) => flags.trustHooks ?? (flags.dryRun === true || (await askToTrust(explanation, flags))),
      });
      show(report, flags.json === true);
    });
}

export function addUnregister(program: Command): void {
  program
    .command("unregister")
    .summary("undo register")
    .description("Undo register: leave the agent as it was.")
    .addArgument(agentArgument())
    .option("--dry-run", "show what would change, write nothing")
    .option("--project <folder>", "the project that was registered")
    .option("--json", "print JSON")
    .addHelpText("after", UNREGISTER_HELP)
    .action(async (name: string, flags: Flags) => {
      const settings = readSettings(process.env);
      show(await agentNamed(name).unregister(placeOf(agentNamed(name), settings.home, flags)), flags.json === true);
    });
}

const agentArgument = () => new Argument("<agent>", "which agent").choices(agents.map(({ name }) => name));

function placeOf(agent: Agent, stateDir: string, { project, dryRun }: Flags): AgentPlace {
  if (project !== undefined && !agent.perProject)
    throw new SetupError("register", `${agent.title} has no settings of a project; leave --project out.`);
  return { home: homedir(), stateDir, ...(project === undefined ? {} : { project }), dryRun: dryRun === true };
}

/** Asks at a terminal. @throws SetupError where there is nobody to ask. */
async function askToTrust(explanation: string, { json }: Flags): Promise<boolean> {
  if (json === true || !process.stdin.isTTY)
    throw new SetupError("trust_hooks", `${explanation} Say --trust-hooks or --no-trust-hooks: nobody is at a terminal to be asked.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${explanation} Trust them? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

function show(report: RegisterReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const terminal = createTerminal(process.stdout);
  const marks = {
    done: terminal.style("green", "✓"),
    unchanged: terminal.style("dim", "="),
    would: terminal.style("cyan", "→"),
    kept: terminal.style("yellow", "!"),
  };
  terminal.line();
  const width = Math.max(16, ...report.steps.map(({ name }) => name.length));
  for (const step of report.steps) terminal.line(`  ${marks[step.state]} ${step.name.padEnd(width)} ${step.detail}`);
  if (report.diff !== "") {
    terminal.line(`\n  ${terminal.style("bold", report.configPath)}`);
    for (const line of report.diff.trimEnd().split("\n")) {
      const style = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : "dim";
      terminal.line(`    ${terminal.style(style, line)}`);
    }
  }
  if (report.backupPath !== null) terminal.line(`\n  What was there is kept in ${report.backupPath}`);
  if (report.dryRun) terminal.line("\n  Nothing was written (--dry-run).");
  else if (!report.changed) terminal.line("\n  Nothing to change.");
  if (report.notes.length > 0) terminal.line();
  for (const note of report.notes) terminal.line(`  ${note}`);
  terminal.line();
}
