import assert from "node:assert/strict";
import { join } from "node:path";
import { registerCodex } from "@signalbox/codex/register";
import type { InstalledCli } from "../capture/install.ts";
import type { Endpoints, Machine } from "../unharmed.ts";
import { codexMachine, startCodex } from "./cli.ts";

/** A Codex on a machine of its own, observed only where it is registered: a routed one cannot do without its gateway. */
export async function watchedCodex(cli: InstalledCli, providerUrl: string, endpoints?: Endpoints): Promise<Machine> {
  const machine = codexMachine(providerUrl);
  if (endpoints !== undefined)
    await registerCodex({
      home: machine.home,
      codexBin: cli.bin,
      stateDir: join(machine.home, "signalbox"),
      ...endpoints,
      observeOnly: true,
    });
  return {
    async turn() {
      const end = await startCodex(cli.bin, machine, ["Say hello"]).end;
      assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
      assert.match(end.stdout, /"text":"Scripted\."/);
      assert.ok(end.answeredSeconds !== undefined, "it said an answer");
      return { answered: end.answeredSeconds, exited: end.seconds };
    },
    remove: machine.remove,
  };
}
