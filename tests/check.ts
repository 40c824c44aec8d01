/** `npm run check`: format, lint, types, import boundaries and unit tests, at the same time. Prints only what failed. */
import path from "node:path";
import { runCommand } from "./support/run-command.ts";

const cwd = path.resolve(import.meta.dirname, "..");
const checks: [name: string, command: string, ...args: string[]][] = [
  ["format and lint", "biome", "check", "--error-on-warnings", "."],
  ["types", "tsc", "--noEmit"],
  ["unit tests and boundaries", "vitest", "run", "--project", "unit"],
];

const results = await Promise.all(
  checks.map(async ([name, command, ...args]) => {
    const result = await runCommand(command, args, { cwd });
    console.log(`${result.code === 0 ? "ok  " : "FAIL"} ${name} (${result.seconds.toFixed(1)} s)`);
    if (result.code !== 0) console.log(result.output);
    return result.code === 0;
  }),
);
const failed = results.filter((passed) => !passed).length;
console.log(`checks: ${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
