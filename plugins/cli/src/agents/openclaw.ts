import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { SetupError } from "@signalbox/local";
import { openclawHistory } from "@signalbox/openclaw/import";
import { openclawRegistration, registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { type Agent, type AgentPlace, findOnPath } from "./agent.ts";

/** A turn of a gateway on a busy machine; the command itself takes ten seconds to start. */
const TURN_TIMEOUT_SECONDS = 120;

export const openclaw: Agent = {
  name: "openclaw",
  title: "OpenClaw",
  perProject: false,
  async register({ schedulerUrl, otlpEndpoint, key, dryRun, observeOnly, ...where }) {
    const openclawBin = openclawCommand();
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
  doctor: {
    async registration(where) {
      if (openclawCommand() === undefined) throw new SetupError("agent", "There is no openclaw on the PATH (OPENCLAW_BIN names it).");
      const found = await openclawRegistration(place(where));
      if (found === undefined) throw new SetupError("agent", "OpenClaw is not registered: npx signalbox register openclaw");
      const detail = found.routedTo === null ? "observed only" : `routed to ${found.routedTo}`;
      return { detail: `${found.configPath}, ${detail}`, routed: found.routedTo !== null };
    },
    async turn() {
      const startedAt = performance.now();
      // A session of its own: the operator's is left alone.
      const key = `agent:main:signalbox-doctor-${randomUUID().slice(0, 8)}`;
      const message = "Answer with the word OK and nothing else.";
      const limit = String(TURN_TIMEOUT_SECONDS);
      const args = ["agent", "--session-key", key, "--message", message, "--json", "--timeout", limit];
      const run = promisify(execFile)(openclawCommand() ?? "openclaw", args, { timeout: (TURN_TIMEOUT_SECONDS + 30) * 1000 });
      const { stdout } = await run.catch((error: Error & { stderr?: string }) => fail(error.stderr || error.message));
      const sessionId = /"sessionId":\s*"([^"]+)"/.exec(stdout)?.[1] ?? fail(stdout);
      const ms = performance.now() - startedAt;
      return { sessionId, ms, detail: `openclaw agent answered in ${(ms / 1000).toFixed(1)} s` };
    },
  },
};

const openclawCommand = () => process.env.OPENCLAW_BIN || findOnPath("openclaw");

function fail(said: string): never {
  const why = "is its gateway running (openclaw gateway)?";
  throw new SetupError("agent", `openclaw agent did not answer; ${why} ${said.trim().slice(-300)}`);
}

/** OpenClaw's own variables move its files; ours moves where the record of the change is kept. */
function place({ home, stateDir }: Pick<AgentPlace, "home" | "stateDir">) {
  const { OPENCLAW_STATE_DIR: openclawDir, OPENCLAW_CONFIG_PATH: configPath } = process.env;
  return { home, stateDir, ...(openclawDir ? { openclawDir } : {}), ...(configPath ? { configPath } : {}) };
}
