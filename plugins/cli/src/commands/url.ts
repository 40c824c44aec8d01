import { mintLoginLink, readSettings, statePaths } from "@signalbox/local";
import type { Command } from "commander";
import { requireRunning } from "../running.ts";

const HELP = `
The link logs one browser in, once, and is good for 24 hours.

Examples:
  npx signalbox url
  open "$(npx signalbox url)"`;

export function addUrl(program: Command): void {
  program
    .command("url")
    .summary("a new login link for the dashboard")
    .description("Make a new one-time login link for the dashboard.")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(({ json }: { json?: boolean }) => {
      const { home } = readSettings(process.env);
      const link = mintLoginLink(statePaths(home), requireRunning(home).addresses.web);
      process.stdout.write(json ? `${JSON.stringify({ dashboard_url: link })}\n` : `${link}\n`);
    });
}
