import assert from "node:assert/strict";
import { join } from "node:path";
import { registerClaudeCode } from "@signalbox/claude-code/register";
import { HOOK_TIMEOUT_SECONDS } from "../../../plugins/claude-code/src/plugin-files.ts";
import type { InstalledCli } from "../capture/install.ts";
import type { Endpoints, Machine } from "../unharmed.ts";
import { claudeMachine, startClaude } from "./cli.ts";

/** At its start, at its exit, and three in a turn with one tool call. */
const HOOKS = 5;
/** Claude Code's own limit for what its telemetry still has as it exits. */
const LAST_TELEMETRY_SECONDS = 2;
export const PATIENCE_SECONDS = HOOKS * HOOK_TIMEOUT_SECONDS + LAST_TELEMETRY_SECONDS;

/** A Claude Code on a machine of its own, with one tool call a turn; where it is registered with hooks, and observed only. */
export async function watchedClaude(cli: InstalledCli, providerUrl: string, endpoints?: Endpoints): Promise<Machine> {
  const machine = claudeMachine(providerUrl);
  if (endpoints !== undefined)
    await registerClaudeCode({
      home: machine.home,
      claudeBin: cli.bin,
      stateDir: join(machine.home, "signalbox"),
      ...endpoints,
      observeOnly: true,
      trustHooks: async () => true,
    });
  return {
    async turn() {
      const end = await startClaude(cli.bin, machine, "WATCHED please").end;
      assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
      assert.equal(end.result?.result, "Done as ever.");
      assert.ok(end.answeredSeconds !== undefined, "it said an answer");
      return { answered: end.answeredSeconds, exited: end.seconds };
    },
    remove: machine.remove,
  };
}
