import { readSettings } from "@signalbox/local";
import type { Command } from "commander";
import { type Check, diagnose } from "../doctor/diagnose.ts";
import { ExitCode } from "../exit-code.ts";
import { createTerminal } from "../terminal.ts";

const HELP = `
Looks at Node, the state folder, the ports, the three services and Postgres; then sends one small request (a background call
of a few tokens) through the scheduler, and waits until its span is seen in the dashboard's read API.
Exit code: 0 all is well, 1 something is not.

Examples:
  npx signalbox doctor
  npx signalbox doctor --json`;

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("find out what is wrong")
    .description("Find out what is wrong, one real request included.")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const terminal = createTerminal(process.stdout);
      const marks = { ok: terminal.style("green", "✓"), failed: terminal.style("red", "✗"), skipped: terminal.style("dim", "-") };
      const say = ({ name, state, detail, fix }: Check) => {
        terminal.line(`  ${marks[state]} ${name.padEnd(16)} ${detail}`);
        if (fix !== undefined) terminal.line(`    ${" ".repeat(16)} → ${fix}`);
      };
      const checks = await diagnose(readSettings(process.env), process.env.SIGNALBOX_KEY || undefined, json ? () => {} : say);
      const failed = checks.filter((check) => check.state === "failed");
      if (json) process.stdout.write(`${JSON.stringify({ ok: failed.length === 0, checks })}\n`);
      else terminal.line(failed.length === 0 ? "\n  All is well." : `\n  ${failed.length} of ${checks.length} checks failed.`);
      process.exitCode = failed.length === 0 ? ExitCode.ok : ExitCode.failed;
    });
}
