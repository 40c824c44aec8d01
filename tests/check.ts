/** `npm run check`: format, lint, types, import boundaries and unit tests, at the same time. Prints only what failed. */
import path from "node:path";
import { runCommand } from "./support/run-command.ts";

const cwd = path.resolve(import.meta.dirname, "..");
/** Each check is a line of commands; the first that fails ends it. */
const checks: { name: string; commands: string[][] }[] = [
  { name: "format and lint", commands: [["biome", "check", "--error-on-warnings", "."]] },
  // Next writes the types of the pages' parameters, which a fresh clone does not have yet
  {
    name: "types",
    commands: [
      ["next", "typegen", "web"],
      ["tsc", "--noEmit"],
    ],
  },
  { name: "unit tests and boundaries", commands: [["vitest", "run", "--project", "unit"]] },
];

const results = await Promise.all(checks.map(run));
const failed = results.filter((passed) => !passed).length;
console.log(`checks: ${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function run({ name, commands }: (typeof checks)[number]): Promise<boolean> {
  let seconds = 0;
  for (const [command = "", ...args] of commands) {
    const result = await runCommand(command, args, { cwd, env: { NEXT_TELEMETRY_DISABLED: "1" } });
    seconds += result.seconds;
    if (result.code === 0) continue;
    console.log(`FAIL ${name} (${seconds.toFixed(1)} s)\n${result.output}`);
    return false;
  }
  console.log(`ok   ${name} (${seconds.toFixed(1)} s)`);
  return true;
}
