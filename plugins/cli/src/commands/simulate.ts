import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SetupError } from "@signalbox/local";
import type { Command } from "commander";
import { ExitCode } from "../exit-code.ts";

/** A part of its own: it is started, never imported. */
const SIMULATOR = fileURLToPath(new URL("../../../../scheduler/src/simulator/main.ts", import.meta.url));

const HELP = `
Arguments are those of the simulator: npx signalbox simulate --help lists them.

Examples:
  npx signalbox simulate --trace azure.csv --policy signalbox.config.yaml --rate 2,4,8
  npx signalbox simulate --trace azure.csv --policy signalbox.config.yaml --compare signalbox,least-busy
  DATABASE_URL=postgres://… npx signalbox simulate --from-decisions last-7d --policy new.yaml`;

export function addSimulate(program: Command): void {
  program
    .command("simulate")
    .summary("what another policy would have done")
    .description("Play a trace, or real decisions, through the pools of a config; no model is called.")
    .argument("[arguments...]", "passed to the simulator")
    .helpOption(false)
    .allowUnknownOption()
    .addHelpText("after", HELP)
    .action(async (args: string[]) => {
      process.exitCode = await runSimulator(args);
    });
}

/** @returns the simulator's exit code. Ctrl-C reaches it by itself: it is in the same process group. */
function runSimulator(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const simulator = spawn(process.execPath, [SIMULATOR, ...args], { stdio: "inherit" });
    simulator.on("error", (error) => reject(new SetupError("simulate", `The simulator did not start: ${error.message}`)));
    simulator.on("exit", (code) => resolve(code ?? ExitCode.interrupted));
  });
}
