import { join } from "node:path";
import { openclawHistory } from "@signalbox/openclaw/import";
import { registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { type Agent, type AgentPlace, findOnPath } from "./agent.ts";

export const openclaw: Agent = {
  name: "openclaw",
  title: "OpenClaw",
  perProject: false,
  async register({ schedulerUrl, otlpEndpoint, key, dryRun, observeOnly, ...where }) {
    const openclawBin = process.env.OPENCLAW_BIN || findOnPath("openclaw");
    const report = await registerOpenclaw({
      ...place(where),
      ...(openclawBin === undefined ? {} : { openclawBin }),
      schedulerUrl,
      otlpEndpoint,
      ...(key === undefined ? {} : { key }),
      dryRun,
      observeOnly,
    });
    if (openclawBin === undefined)
      report.notes.push("There is no openclaw on the PATH, so its version was not checked (OPENCLAW_BIN names it).");
    return report;
  },
  unregister: ({ dryRun, ...where }) => unregisterOpenclaw({ ...place(where), dryRun }),
  history: (home) => openclawHistory(process.env.OPENCLAW_STATE_DIR || join(home, ".openclaw")),
};

/** OpenClaw's own variables move its files; ours moves where the record of the change is kept. */
function place({ home, stateDir }: Pick<AgentPlace, "home" | "stateDir">) {
  const { OPENCLAW_STATE_DIR: openclawDir, OPENCLAW_CONFIG_PATH: configPath } = process.env;
  return { home, stateDir, ...(openclawDir ? { openclawDir } : {}), ...(configPath ? { configPath } : {}) };
}
