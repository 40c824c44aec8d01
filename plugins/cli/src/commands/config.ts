import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SetupError } from "@signalbox/local";
import type { Command } from "commander";
import { ExitCode } from "../exit-code.ts";

/** A part of its own: it is started, never imported. */
const CONFIG = fileURLToPath(new URL("../../../../scheduler/src/config/main.ts", import.meta.url));

const HELP = `
A running scheduler follows its file: what is right is applied while calls run, what is wrong is refused with its line.

Examples:
  npx signalbox config check                                        the file that would be used; exit code 1: something is wrong
  npx signalbox config check new.yaml --json
  npx signalbox config schema > signalbox.config.schema.json        for your editor`;

export function addConfig(program: Command): void {
  const config = program
    .command("config")
    .summary("check signalbox.config.yaml")
    .description("Check signalbox.config.yaml, and describe it to editors. check takes --json.")
    .addHelpText("after", HELP);
  config
    .command("check")
    .description("Tell every mistake of a config file, one line each: file:line:column: where: what.")
    .argument("[file]", "default: the file that `up` would use")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, { json }: { json?: boolean }) => {
      process.exitCode = await runConfig(["check", ...(file === undefined ? [] : [file]), ...(json ? ["--json"] : [])]);
    });
  config
    .command("schema")
    .description("Print the JSON Schema of the config file.")
    .action(async () => {
      process.exitCode = await runConfig(["schema"]);
    });
}

/** @returns its exit code */
function runConfig(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, [CONFIG, ...args], { stdio: "inherit" });
    started.on("error", (error) => reject(new SetupError("config", `The check did not start: ${error.message}`)));
    started.on("exit", (code) => resolve(code ?? ExitCode.interrupted));
  });
}
