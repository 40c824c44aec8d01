import { messageOf, SetupError } from "@signalbox/local";
import { Command, CommanderError } from "commander";
import { addConfig } from "./commands/config.ts";
import { addDb } from "./commands/db.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addImport } from "./commands/import.ts";
import { addPoolWorker } from "./commands/pool-worker.ts";
import { addPrices } from "./commands/prices.ts";
import { addRegister, addUnregister } from "./commands/register.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addStatus } from "./commands/status.ts";
import { addStop } from "./commands/stop.ts";
import { addUp } from "./commands/up.ts";
import { addUrl } from "./commands/url.ts";
import { ExitCode } from "./exit-code.ts";

const EXAMPLES = `
Examples:
  npm start                             start everything on this machine (same as: npx signalbox up)
  npx signalbox demo                    let a small fleet of agents play through it
  npx signalbox register openclaw       point a real OpenClaw at it; --dry-run shows the change first
  npx signalbox register claude-code    the same for Claude Code; and register codex
  npx signalbox import --dry-run        what your agents did before, as they keep it on disk
  npx signalbox kill <session>          stop a session with all its sub-agents
  npx signalbox url                     a new login link for the dashboard
  npx signalbox doctor                  something is wrong: find out what; doctor codex runs one turn of it, too

Environment:
  SIGNALBOX_HOME            state folder: data, token, logs (~/.signalbox)
  SIGNALBOX_TOKEN           admin token (generated into the state folder)
  DATABASE_URL              a Postgres of your own in place of the embedded one
  SIGNALBOX_OTLP_PORT       4318       SIGNALBOX_OTLP_GRPC_PORT  4317
  SIGNALBOX_SCHEDULER_PORT  4320       SIGNALBOX_WEB_PORT        4321
  SIGNALBOX_POSTGRES_PORT   4325
  SIGNALBOX_CONFIG          signalbox.config.yaml: pools, routes, prices`;

/** The command line. A command is added by one line here and one file in commands/. */
export function createProgram(version: string): Command {
  const program = new Command("signalbox")
    .description("See what every AI agent session costs and which silicon served it; route, budget and stop it.")
    .version(version)
    .addHelpText("after", EXAMPLES)
    .configureHelp({ showGlobalOptions: false })
    // `run` says what is wrong, as of every other mistake
    .configureOutput({ outputError: () => {} });
  addUp(program);
  addStatus(program);
  addUrl(program);
  addRegister(program);
  addUnregister(program);
  addImport(program);
  addStop(program);
  addDemo(program);
  addDoctor(program);
  addSimulate(program);
  addConfig(program);
  addPrices(program);
  addDb(program);
  addPoolWorker(program);
  for (const command of [program, ...program.commands.flatMap((command) => [command, ...command.commands])]) {
    command.exitOverride();
  }
  return program;
}

/**
 * Runs one command line.
 * @returns the exit code. What the user can put right is told in one line, or as JSON under --json; a bug of ours keeps its stack.
 */
export async function run(program: Command, args: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? ExitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return usageError(error, args.includes("--json"));
    const known = error instanceof SetupError || (error instanceof Error && error.name === "RegisterError");
    if (args.includes("--json")) {
      const code = error instanceof SetupError ? error.code : known ? "register" : "internal";
      process.stdout.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`);
    } else if (known) process.stderr.write(`signalbox: ${error instanceof Error ? error.message : error}\n`);
    else process.stderr.write(`signalbox: unexpected error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
    return ExitCode.failed;
  }
}

/** A wrong command line, in the words of every other mistake; help that was asked for is no mistake, and is written already. */
function usageError({ message, code, exitCode }: CommanderError, json: boolean): number {
  if (exitCode === ExitCode.ok || code === "commander.help") return exitCode;
  const what = message
    .replace(/^error: /, "")
    .replace(/^command-argument value '(.*)' is invalid for argument '(.*)'\./, "there is no $2 '$1'.")
    .replace("Allowed choices are", "There are:")
    .replace(/^option '(\S+).*' argument '(.*)' is invalid\. (?!There)/, "$1 is '$2'; expected ")
    .replace(/\.$/, "")
    .replaceAll("\n", " ");
  if (json) process.stdout.write(`${JSON.stringify({ error: { code: "usage", message: what } })}\n`);
  else process.stderr.write(`signalbox: ${what}. --help shows what there is.\n`);
  return exitCode;
}
