import { homedir } from "node:os";
import { join } from "node:path";
import { stopLocalRuns as stopClaudeCode } from "@signalbox/claude-code/local-runs";
import { stopLocalRuns as stopCodex } from "@signalbox/codex/local-runs";
import {
  type Install,
  mintLoginLink,
  type RunningInstall,
  readSettings,
  readToken,
  StartInterrupted,
  statePaths,
  up,
} from "@signalbox/local";
import type { Command } from "commander";
import { agents } from "../agents/index.ts";
import { ExitCode } from "../exit-code.ts";
import { offerImport } from "../import/offer.ts";
import { describePools, type Pools, readPools } from "../pools.ts";
import { onStopSignals } from "../stop-signals.ts";
import { createTerminal, formatDuration, type Terminal } from "../terminal.ts";
import { showUpEvents } from "../up-events.ts";

const HELP = `
Starts Postgres, the collector, the scheduler and the dashboard, and keeps them running until Ctrl-C.
The first start builds the dashboard (about half a minute); later ones reuse it.

Examples:
  npx signalbox up
  SIGNALBOX_WEB_PORT=8080 npx signalbox up          another port for the dashboard
  SIGNALBOX_HOME=/srv/signalbox npx signalbox up    another state folder
  DATABASE_URL=postgres://me:secret@db/signalbox npx signalbox up
  npx signalbox up --json                           one JSON object when ready, for scripts`;

export function addUp(program: Command): void {
  program
    .command("up")
    .summary("start everything on this machine")
    .description("Start everything on this machine, and keep it running until Ctrl-C.")
    .option("--json", "print one JSON object when ready, and nothing else")
    .addHelpText("after", HELP)
    .action(async ({ json }: { json?: boolean }) => {
      process.exitCode = await runUp(json === true, program.version() ?? "");
    });
}

async function runUp(json: boolean, version: string): Promise<number> {
  const startedAt = performance.now();
  const settings = readSettings(process.env);
  // Under --json, stdout carries JSON alone.
  const terminal = createTerminal(json ? process.stderr : process.stdout);
  const events = showUpEvents(terminal, { quiet: json });
  const stop = new AbortController();
  const hurry = new AbortController();
  onStopSignals((times) => {
    if (times === 1) stop.abort();
    else if (times === 2) hurry.abort();
    // What is left then ends by itself: the parts notice that we are gone, and the next start adopts Postgres.
    else process.exit(ExitCode.failed);
    if (!json && times === 1) terminal.line(`\n  ${terminal.style("dim", "Stopping; Ctrl-C again to hurry.")}`);
  });
  if (!json) terminal.line(`\n  ${terminal.style("bold", "Signalbox")} ${terminal.style("dim", version)}\n`);

  let install: Install;
  try {
    const result = await up({ settings, report: events.report, signal: stop.signal, hurry: hurry.signal });
    if (!result.started) {
      sayAlreadyRunning(result.running, settings.home, json, terminal);
      return ExitCode.ok;
    }
    install = result.install;
  } catch (error) {
    events.end();
    if (error instanceof StartInterrupted) {
      terminal.line("  Stopped before it was ready.");
      return ExitCode.interrupted;
    }
    throw error;
  }

  const readyMs = performance.now() - startedAt;
  const login = mintLoginLink(install.paths, install.addresses.web);
  const pools = await readPools(install.addresses.scheduler, settings.token ?? readToken(install.paths));
  if (json) process.stdout.write(`${JSON.stringify(readyObject(install, login, readyMs, pools))}\n`);
  else sayReady(install, login, readyMs, pools, terminal);

  if (!json && process.stdin.isTTY && process.stdout.isTTY) {
    const { home: stateDir } = install.paths;
    void offerImport({ agents, stateDir, otlp: install.addresses.otlp, terminal, signal: stop.signal });
  }
  const control = { schedulerUrl: install.addresses.scheduler, token: settings.token ?? readToken(install.paths) };
  const localRuns = [
    stopClaudeCode({ configDir: process.env.CLAUDE_CONFIG_DIR || join(homedir(), ".claude"), ...control }),
    stopCodex({ codexHome: process.env.CODEX_HOME || join(homedir(), ".codex"), ...control }),
  ];
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const stopping = performance.now();
  await Promise.all(localRuns.map((one) => one.close()));
  await install.stop();
  events.end();
  if (!json) terminal.line(`  Stopped in ${formatDuration(performance.now() - stopping)}. Your data stays in ${install.paths.home}.`);
  return ExitCode.ok;
}

function readyObject(install: Install, login: string, readyMs: number, pools: Pools | undefined) {
  return {
    state: "ready",
    ready_ms: Math.round(readyMs),
    pid: process.pid,
    dashboard_url: login,
    web_url: install.addresses.web,
    scheduler_url: install.addresses.scheduler,
    otlp_endpoint: install.addresses.otlp,
    otlp_grpc_endpoint: install.addresses.otlpGrpc,
    postgres: install.database.kind,
    state_folder: install.paths.home,
    pools: pools?.data.map(({ name, silicon, state }) => ({ name, silicon, state })) ?? null,
    found: pools?.found ?? null,
  };
}

function sayReady(install: Install, login: string, readyMs: number, pools: Pools | undefined, terminal: Terminal): void {
  const row = (name: string, value: string, note = "") =>
    terminal.line(`  ${name.padEnd(20)}${value}${note === "" ? "" : terminal.style("dim", `   ${note}`)}`);
  terminal.line(`\n  ${terminal.style(["bold", "green"], `Ready in ${formatDuration(readyMs)}.`)}\n`);
  row("Dashboard", terminal.style(["bold", "cyan"], login));
  row("", terminal.style("dim", "works once, for 24 hours; another: npx signalbox url"));
  row("OTLP endpoint", install.addresses.otlp);
  row("", install.addresses.otlpGrpc, "OTLP over gRPC");
  row("Scheduler", `${install.addresses.scheduler}/v1`, "OpenAI-compatible");
  if (pools) row("Pools", describePools(pools));
  for (const text of pools?.found ?? []) row("", terminal.style("dim", `found ${text}`));
  row("State folder", install.paths.home, "logs in logs/");
  if (install.database.dir && install.database.dir !== install.paths.postgres) row("", `database in ${install.database.dir}`);
  terminal.line();
  row(
    "Register an agent",
    `npx signalbox register ${agents[0]?.name}`,
    `or ${agents
      .slice(1)
      .map(({ name }) => name)
      .join(", ")}`,
  );
  row("Try it", "npx signalbox demo");
  row("Stop", "Ctrl-C");
  terminal.line();
}

function sayAlreadyRunning(running: RunningInstall, home: string, json: boolean, terminal: Terminal): void {
  const { pid, state, addresses } = running;
  const login = state === "ready" ? mintLoginLink(statePaths(home), addresses.web) : undefined;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ state: "already_running", pid, since: running.startedAt, its_state: state, web_url: addresses.web, dashboard_url: login ?? null, state_folder: home })}\n`,
    );
    return;
  }
  const what = state === "ready" ? "is already running" : state === "starting" ? "is already starting" : "is just being stopped";
  terminal.line(`  Signalbox ${what} on ${home} (process ${pid}): ${login ?? addresses.web}`);
  terminal.line(
    terminal.style("dim", `  Stop it with Ctrl-C where it runs, or: kill ${pid}. A second one needs its own SIGNALBOX_HOME and ports.`),
  );
}
