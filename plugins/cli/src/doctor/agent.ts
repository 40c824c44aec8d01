import { messageOf, type RunningInstall, readToken, type Settings, statePaths } from "@signalbox/local";
import type { AgentDoctor, AgentPlace, AgentTurn } from "../agents/agent.ts";
import { offeredModels } from "../models.ts";
import { createReadApi, type SpanRow } from "../read-api.ts";
import { failed, type Look, ok, skipped } from "./check.ts";
import { untilSession } from "./probe.ts";

export interface DoctoredAgent {
  /** As typed. */
  name: string;
  title: string;
  place: AgentPlace;
  doctor: AgentDoctor;
}

/** Is the agent registered, does a real turn of it end well, and does what it did arrive, from each side that should tell. */
export async function lookAtAgent(
  { name, title, place, doctor }: DoctoredAgent,
  settings: Settings,
  key: string | undefined,
  { addresses }: RunningInstall,
  [collector, scheduler, web]: readonly boolean[],
  look: Look,
): Promise<void> {
  let registration: Awaited<ReturnType<AgentDoctor["registration"]>> | undefined;
  let turn: AgentTurn | undefined;
  await look(title, async () => {
    try {
      registration = await doctor.registration(place);
      return ok(registration.detail);
    } catch (error) {
      const where = place.project === undefined ? "" : ` --project ${place.project}`;
      return failed(messageOf(error), `npx signalbox register ${name}${where}; with --dry-run it only shows what it would change`);
    }
  });
  await look(`${title} turn`, async () => {
    if (!registration) return skipped("it is not registered");
    if (registration.routed && !scheduler) return skipped("the scheduler is not ready");
    try {
      turn = await doctor.turn(place);
      return ok(turn.detail);
    } catch (error) {
      return failed(
        messageOf(error),
        registration.routed ? await modelsServed(addresses.scheduler, key) : `Does ${title} answer by itself?`,
      );
    }
  });
  await look("its session", async () => {
    if (!turn || !registration) return skipped("there was no turn");
    if (!collector || !web) return skipped("the collector or the dashboard is not ready");
    const api = createReadApi(addresses.web, settings.token ?? readToken(statePaths(settings.home)));
    const { routed } = registration;
    const seen = await untilSession(api, turn.sessionId, (spans) => {
      return spans.some(isFromAgent) && spans.some(({ operation, pool }) => operation === "chat" && (!routed || pool !== null));
    });
    if (seen.complete) {
      const pools = new Set(seen.spans.flatMap(({ pool }) => pool ?? []));
      return ok(`${seen.spans.length} spans of ${turn.sessionId}${routed ? `, served by ${[...pools].join(", ")}` : ", not routed"}`);
    }
    const missing = seen.spans.some(isFromAgent)
      ? "the turn is there, its model call is not"
      : seen.spans.length > 0
        ? "the gateway's spans are there, the agent's are not"
        : "nothing of it is there";
    return failed(`after 15 s ${missing}`, `The agent sends to ${addresses.otlp}: is that address reachable from where it runs?`);
  });
}

/** Not of the gateway, whose calls have a pool. Codex exits now and then before its last spans, the turn's among them, are sent. */
const isFromAgent = ({ operation, pool }: SpanRow) => operation !== "schedule" && !(operation === "chat" && pool !== null);

/** The most likely reason: an agent's own name of a model, which no pool serves. */
async function modelsServed(schedulerUrl: string, key: string | undefined): Promise<string> {
  const models = await offeredModels(schedulerUrl, key).catch(() => []);
  return `The gateway serves ${models.join(", ") || "no model"}: set one of these in the agent, or add its own to a pool or under models: in signalbox.config.yaml.`;
}
