/** `node scheduler/src/config/main.ts check [file] | schema | reference`: what `signalbox config` starts. */

import os from "node:os";
import path from "node:path";
import { ConfigError, findConfig, loadConfig } from "../config.ts";
import { configJsonSchema } from "./json-schema.ts";
import { configReference } from "./reference.ts";

const { env, argv } = process;
const [verb, ...rest] = argv.slice(2);
const json = rest.includes("--json");
const named = rest.find((argument) => !argument.startsWith("-"));

if (verb === "schema") process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
else if (verb === "reference") process.stdout.write(configReference());
else if (verb === "check") process.exitCode = check();
else {
  process.stderr.write("usage: config check [file] [--json] | config schema | config reference\n");
  process.exitCode = 2;
}

/** One line for each mistake on stdout. @returns the exit code: 0 only for a file that was read and is right */
function check(): number {
  const home = path.resolve(env.SIGNALBOX_HOME ?? path.join(os.homedir(), ".signalbox"));
  const file = named ?? findConfig(home, env.SIGNALBOX_CONFIG);
  const problems = file === undefined ? ["there is no signalbox.config.yaml, here or in the state folder: name a file"] : problemsOf(file);
  if (json) process.stdout.write(`${JSON.stringify({ file: file ?? null, ok: problems.length === 0, problems })}\n`);
  else process.stdout.write(problems.length === 0 ? `${file}: ok\n` : `${problems.join("\n")}\n`);
  return problems.length === 0 ? 0 : 1;
}

function problemsOf(file: string): readonly string[] {
  try {
    loadConfig(file, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
