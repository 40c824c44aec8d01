import { homedir } from "node:os";
import { readSettings } from "@signalbox/local";
import { Argument, type Command } from "commander";
import { agentNamed, agents } from "../agents/index.ts";
import type { Check } from "../doctor/check.ts";
import { diagnose } from "../doctor/diagnose.ts";
import { ExitCode } from "../exit-code.ts";
import { createTerminal } from "../terminal.ts";

const HELP = `
Looks at Node, the state folder, the ports, the three services and Postgres; then sends one small request (a background call
of a few tokens) through the scheduler, and waits until its span is seen in the dashboard's read API. With an agent's name it also
looks whether that agent is registered and runs one real turn of it, with the account that it is logged in with.
Exit code: 0 all is well, 1 something is not.

Examples:
  npx signalbox doctor
  npx signalbox doctor claude-code
  npx signalbox doctor --json`;

const doctored = agents.filter(({ doctor }) => doctor !== undefined).map(({ name }) => name);

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("find out what is wrong")
    .description("Find out what is wrong, one real request included.")
    .addArgument(new Argument("[agent]", "also this agent, by one real turn").choices(doctored))
    .option("--project <folder>", "the project that the agent was registered for")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (name: string | undefined, { json, project }: { json?: boolean; project?: string }) => {
      const settings = readSettings(process.env);
      const terminal = createTerminal(process.stdout);
      const marks = { ok: terminal.style("green", "✓"), failed: terminal.style("red", "✗"), skipped: terminal.style("dim", "-") };
      const say = ({ name, state, detail, fix }: Check) => {
        terminal.line(`  ${marks[state]} ${name.padEnd(16)} ${detail}`);
        if (fix !== undefined) terminal.line(`    ${" ".repeat(16)} → ${fix}`);
      };
      const known = name === undefined ? undefined : agentNamed(name);
      const place = { home: homedir(), stateDir: settings.home, dryRun: false, ...(project === undefined ? {} : { project }) };
      const agent = known?.doctor === undefined ? undefined : { ...known, doctor: known.doctor, place };
      const checks = await diagnose(settings, process.env.SIGNALBOX_KEY || undefined, json ? () => {} : say, agent);
      const failed = checks.filter((check) => check.state === "failed");
      if (json) process.stdout.write(`${JSON.stringify({ ok: failed.length === 0, checks })}\n`);
      else terminal.line(failed.length === 0 ? "\n  All is well." : `\n  ${failed.length} of ${checks.length} checks failed.`);
      process.exitCode = failed.length === 0 ? ExitCode.ok : ExitCode.failed;
    });
}
