import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { addressesOf, readSettings, runningInstall, statePaths } from "@signalbox/local";
import { type RegisterReport, registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { Argument, type Command } from "commander";
import { createTerminal } from "../terminal.ts";

const AGENTS = ["openclaw"] as const;

const REGISTER_HELP = `
Installs Signalbox's plugin into the agent and adds the scheduler as its model provider. What was there is kept, and
unregister brings it back. Nothing is changed that is not shown.

Examples:
  npx signalbox register openclaw --dry-run        show the change, write nothing
  npx signalbox register openclaw
  npx signalbox register openclaw --observe-only   watch only: models are called as before`;

const UNREGISTER_HELP = `
Removes what register wrote and brings back what was there. A value that someone changed since is left alone, and said.

Examples:
  npx signalbox unregister openclaw --dry-run
  npx signalbox unregister openclaw`;

interface RegisterFlags {
  dryRun?: boolean;
  observeOnly?: boolean;
  json?: boolean;
}

export function addRegister(program: Command): void {
  program
    .command("register")
    .summary("point an agent at Signalbox")
    .description("Point an agent at Signalbox.")
    .addArgument(new Argument("<agent>", "which agent").choices(AGENTS))
    .option("--dry-run", "show what would change, write nothing")
    .option("--observe-only", "watch only: no provider is added, no model is rerouted")
    .option("--json", "print JSON")
    .addHelpText("after", REGISTER_HELP)
    .action(async (_agent: string, flags: RegisterFlags) => {
      const settings = readSettings(process.env);
      const addresses = runningInstall(statePaths(settings.home).lock)?.addresses ?? addressesOf(settings);
      const key = process.env.SIGNALBOX_KEY;
      const openclawBin = process.env.OPENCLAW_BIN || findOnPath("openclaw");
      const report = await registerOpenclaw({
        ...openclawPlace(settings.home),
        ...(openclawBin === undefined ? {} : { openclawBin }),
        schedulerUrl: addresses.scheduler,
        otlpEndpoint: addresses.otlp,
        ...(key ? { key } : {}),
        dryRun: flags.dryRun === true,
        observeOnly: flags.observeOnly === true,
      });
      if (openclawBin === undefined)
        report.notes.push("There is no openclaw on the PATH, so its version was not checked (OPENCLAW_BIN names it).");
      show(report, flags.json === true);
    });
}

export function addUnregister(program: Command): void {
  program
    .command("unregister")
    .summary("undo register")
    .description("Undo register: leave the agent as it was.")
    .addArgument(new Argument("<agent>", "which agent").choices(AGENTS))
    .option("--dry-run", "show what would change, write nothing")
    .option("--json", "print JSON")
    .addHelpText("after", UNREGISTER_HELP)
    .action(async (_agent: string, flags: RegisterFlags) => {
      const settings = readSettings(process.env);
      show(await unregisterOpenclaw({ ...openclawPlace(settings.home), dryRun: flags.dryRun === true }), flags.json === true);
    });
}

function findOnPath(command: string): string | undefined {
  const names = process.platform === "win32" ? [`${command}.cmd`, `${command}.exe`] : [command];
  return (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** OpenClaw's own variables move its files; ours moves where the record of the change is kept. */
function openclawPlace(stateDir: string) {
  const { OPENCLAW_STATE_DIR: openclawDir, OPENCLAW_CONFIG_PATH: configPath } = process.env;
  return { home: homedir(), stateDir, ...(openclawDir ? { openclawDir } : {}), ...(configPath ? { configPath } : {}) };
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
  for (const step of report.steps) terminal.line(`  ${marks[step.state]} ${step.name.padEnd(16)} ${step.detail}`);
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
