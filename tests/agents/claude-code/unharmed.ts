import assert from "node:assert/strict";
import { join } from "node:path";
import { registerClaudeCode } from "@signalbox/claude-code/register";
import type { InstalledCli } from "../capture/install.ts";
import type { Endpoints, Machine } from "../unharmed.ts";
import { claudeMachine, startClaude } from "./cli.ts";

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
