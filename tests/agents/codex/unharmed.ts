import assert from "node:assert/strict";
import { join } from "node:path";
import { registerCodex } from "@signalbox/codex/register";
import { EXPORTER_VARIABLES } from "../../../plugins/codex/src/register/exporter-variables.ts";
import type { InstalledCli } from "../capture/install.ts";
import type { Endpoints, Machine } from "../unharmed.ts";
import { codexMachine, startCodex } from "./cli.ts";

const limitSeconds = (signal: string) =>
  Number(EXPORTER_VARIABLES.find(({ variable }) => variable === `OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`)?.value) / 1000;
/** All batches of spans are waited for at a time; of logs the one that is under way, then what came since. */
export const PATIENCE_SECONDS = limitSeconds("TRACES") + 2 * limitSeconds("LOGS");

/** A Codex on a machine of its own, with one tool call a turn; observed only where it is registered: a routed one cannot do without its gateway. */
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
      const end = await startCodex(cli.bin, machine, ["TOOL_CALL please"]).end;
      assert.equal(end.code, 0, `${end.stdout}\n${end.stderr}`.slice(-2_000));
      assert.match(end.stdout, /"text":"All finished\."/);
      assert.ok(end.answeredSeconds !== undefined, "it said an answer");
      return { answered: end.answeredSeconds, exited: end.seconds };
    },
    remove: machine.remove,
  };
}
