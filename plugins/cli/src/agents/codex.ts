import { join } from "node:path";
import { codexRegistration, codexTurn } from "@signalbox/codex/doctor";
import { codexHistory } from "@signalbox/codex/import";
import { registerCodex, unregisterCodex } from "@signalbox/codex/register";
import { type Agent, type AgentPlace, findOnPath } from "./agent.ts";

export const codex: Agent = {
  name: "codex",
  title: "Codex",
  // a project's config.toml may name neither a model provider nor exporters: Codex ignores both there
  perProject: false,
  async register({ schedulerUrl, otlpEndpoint, key, dryRun, observeOnly, ...where }) {
    const report = await registerCodex({
      ...place(where),
      schedulerUrl,
      otlpEndpoint,
      ...(key === undefined ? {} : { key }),
      dryRun,
      observeOnly,
    });
    if (codexBin() === undefined)
      report.notes.push(
        "There is no codex on the PATH, so its version was not checked and the config was edited line by line (CODEX_BIN names it).",
      );
    return report;
  },
  unregister: ({ dryRun, ...where }) => unregisterCodex({ ...place(where), dryRun }),
  history: (home) => codexHistory(process.env.CODEX_HOME || join(home, ".codex")),
  doctor: {
    registration: (where) => codexRegistration(place(where)),
    turn: (where) => codexTurn(place(where)),
  },
};

const codexBin = () => process.env.CODEX_BIN || findOnPath("codex");

/** Codex's own variable moves its files; ours moves where the record of the change is kept. */
function place({ home, stateDir }: Pick<AgentPlace, "home" | "stateDir">) {
  const { CODEX_HOME: codexHome } = process.env;
  const bin = codexBin();
  return { home, stateDir, ...(codexHome ? { codexHome } : {}), ...(bin === undefined ? {} : { codexBin: bin }) };
}
