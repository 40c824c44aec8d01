import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { RegisterError } from "./types.ts";

export interface RequiredVersion {
  /** As users know it, e.g. `Claude Code`. */
  agent: string;
  /** Major, minor and patch. */
  oldest: readonly number[];
}

/** Asks the agent's command for its version. Throws {@link RegisterError} where it does not run, says none, or is too old. */
export async function requireVersion(bin: string, { agent, oldest }: RequiredVersion): Promise<void> {
  const { stdout } = await promisify(execFile)(bin, ["--version"], { timeout: 30_000 }).catch((error: Error) => {
    throw new RegisterError(`cannot run ${bin} --version: ${error.message.split("\n")[0]}`);
  });
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
  if (found === undefined) {
    throw new RegisterError(`${bin} --version says ${JSON.stringify(stdout.trim().slice(0, 80))}, which is no ${agent} version`);
  }
  const difference = found.map((part, index) => part - (oldest[index] ?? 0)).find((one) => one !== 0) ?? 0;
  if (difference < 0) throw new RegisterError(`${agent} ${found.join(".")} is too old; ${oldest.join(".")} or later is needed`);
}
