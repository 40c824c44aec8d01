import { checkReady, type RunningInstall, readSettings, readToken, runningInstall, statePaths } from "@signalbox/local";
import type { Command } from "commander";
import { ExitCode } from "../exit-code.ts";
import { type Pools, readPools } from "../pools.ts";
import { createTerminal, formatLocal } from "../terminal.ts";

const HELP = `
Exit code: 0 all parts are ready, 1 one is not, 3 nothing runs on this state folder.

Examples:
  npx signalbox status
  npx signalbox status --json`;

export function addStatus(program: Command): void {
  program
    .command("status")
    .summary("what runs, and whether it is ready")
    .description("Say what runs on this state folder, and ask each part whether it is ready.")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const { home, token } = readSettings(process.env);
      const running = runningInstall(statePaths(home).lock);
      const parts = running ? await askParts(running) : [];
      const pools = running && (await readPools(running.addresses.scheduler, token ?? readToken(statePaths(home))));
      if (json) process.stdout.write(`${JSON.stringify(statusObject(home, running, parts, pools))}\n`);
      else sayStatus(home, running, parts, pools);
      process.exitCode = !running ? ExitCode.notRunning : parts.every((part) => part.ready) ? ExitCode.ok : ExitCode.failed;
    });
}

interface PartStatus {
  name: string;
  url: string;
  pid: number | null;
  ready: boolean;
  reason: string | null;
}

async function askParts({ addresses, parts }: RunningInstall): Promise<PartStatus[]> {
  const asked = [
    { name: "collector", url: addresses.otlp },
    { name: "scheduler", url: addresses.scheduler },
    { name: "web", url: addresses.web },
  ];
  return Promise.all(
    asked.map(async ({ name, url }) => {
      const readiness = await checkReady(url);
      return { name, url, pid: parts[name]?.pid ?? null, ready: readiness.ready, reason: readiness.ready ? null : readiness.reason };
    }),
  );
}

function statusObject(home: string, running: RunningInstall | undefined, parts: PartStatus[], pools: Pools | undefined) {
  if (!running) return { state: "not_running", state_folder: home };
  return {
    state: running.state,
    pid: running.pid,
    since: running.startedAt,
    state_folder: home,
    postgres_port: running.postgresPort,
    parts,
    pools: pools?.data.map(({ name, silicon, state, reason }) => ({ name, silicon, state, reason })) ?? null,
    found: pools?.found ?? null,
  };
}

function sayStatus(home: string, running: RunningInstall | undefined, parts: PartStatus[], pools: Pools | undefined): void {
  const terminal = createTerminal(process.stdout);
  if (!running) {
    terminal.line(`Signalbox does not run on ${home}. Start it: npm start`);
    return;
  }
  terminal.line(
    `Signalbox is ${running.state === "ready" ? "running" : running.state} on ${home}: process ${running.pid}, since ${formatLocal(running.startedAt)}`,
  );
  for (const { name, url, ready, reason } of parts) {
    const mark = ready ? terminal.style("green", "✓") : terminal.style("red", "✗");
    terminal.line(`  ${mark} ${name.padEnd(10)} ${url}${ready ? "" : `   ${reason}`}`);
  }
  for (const { name, silicon, state, reason } of pools?.data ?? []) {
    const mark = state === "healthy" ? terminal.style("green", "✓") : terminal.style("yellow", "!");
    terminal.line(`  ${mark} pool ${name}, ${silicon}${state === "healthy" ? "" : `   ${reason ?? state}`}`);
  }
  for (const text of pools?.found ?? []) terminal.line(`  ${terminal.style("dim", `found ${text}`)}`);
  terminal.line(`  ${terminal.style("dim", "a login link for the dashboard: npx signalbox url")}`);
}
