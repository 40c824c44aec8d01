import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { embeddedUrl, readSettings, SetupError, statePaths } from "@signalbox/local";
import { ExitCode } from "./exit-code.ts";
import { requireRunning } from "./running.ts";

/**
 * Runs a program of the collector on the install's database, or the one that DATABASE_URL names, and takes its exit code. `program`: its
 * file, from this folder.
 * @throws SetupError, with `code`, where it cannot be started, or no Postgres runs.
 */
export async function runWithDatabase(code: string, program: string, args: readonly string[]): Promise<void> {
  const settings = readSettings(process.env);
  const databaseUrl = settings.databaseUrl ?? embeddedUrl(statePaths(settings.home).postgres, requireRunning(settings.home).postgresPort);
  const env = { ...process.env, SIGNALBOX_HOME: settings.home, DATABASE_URL: databaseUrl };
  process.exitCode = await new Promise<number>((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args], { stdio: "inherit", env });
    child.on("error", (error) => reject(new SetupError(code, `The program did not start: ${error.message}`)));
    child.on("exit", (status) => resolve(status ?? ExitCode.interrupted));
  });
}
