import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SetupError } from "@signalbox/local";
import type { Command } from "commander";
import { ExitCode } from "../exit-code.ts";

/** A part of its own: it is started, never imported. */
const WORKER = fileURLToPath(new URL("../../../../scheduler/src/pools/llama-cpp/serve.ts", import.meta.url));

export function addPoolWorker(program: Command): void {
  program
    .command("pool-worker")
    .summary("serve a GGUF model of this box to a scheduler elsewhere")
    .description("Serve a GGUF model of this box to a scheduler elsewhere, over TCP with a key.")
    .argument("[arguments...]", "see npx signalbox pool-worker --help")
    .helpOption(false)
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await runWorker(args);
    });
}

/** @returns the worker's exit code. A signal is passed on, and the worker ends with us whatever becomes of us. */
function runWorker(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = spawn(process.execPath, [WORKER, ...args], { stdio: ["inherit", "inherit", "inherit", "ipc"] });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => worker.kill(signal));
    worker.on("error", (error) => reject(new SetupError("pool_worker", `The worker did not start: ${error.message}`)));
    worker.on("exit", (code) => resolve(code ?? ExitCode.interrupted));
  });
}
