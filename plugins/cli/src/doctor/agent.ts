import { type RunningInstall, readToken, type Settings, statePaths } from "@signalbox/local";
import type { AgentDoctor, AgentPlace, AgentTurn } from "../agents/agent.ts";
import { createReadApi } from "../read-api.ts";
import { failed, type Look, ok, skipped } from "./check.ts";
import { untilSession } from "./probe.ts";

export interface DoctoredAgent {
  title: string;
  place: AgentPlace;
  doctor: AgentDoctor;
}

/** Is the agent registered, does a real turn of it end well, and does what it did arrive, from each side that should tell. */
export async function lookAtAgent(
  { title, place, doctor }: DoctoredAgent,
  settings: Settings,
  { addresses }: RunningInstall,
  [collector, scheduler, web]: readonly boolean[],
  look: Look,
): Promise<void> {
  let registration: Awaited<ReturnType<AgentDoctor["registration"]>> | undefined;
  let turn: AgentTurn | undefined;
  await look(title, async () => {
    registration = await doctor.registration(place);
    return ok(registration.detail);
  });
  await look(`${title} turn`, async () => {
    if (!registration) return skipped("it is not registered");
    if (registration.routed && !scheduler) return skipped("the scheduler is not ready");
    turn = await doctor.turn(place);
    return ok(turn.detail);
  });
  await look("its session", async () => {
    if (!turn || !registration) return skipped("there was no turn");
    if (!collector || !web) return skipped("the collector or the dashboard is not ready");
    const api = createReadApi(addresses.web, settings.token ?? readToken(statePaths(settings.home)));
    const { routed } = registration;
    const seen = await untilSession(api, turn.sessionId, (spans) => {
      const fromAgent = spans.some(({ operation }) => operation === "invoke_agent");
      return fromAgent && spans.some(({ operation, pool }) => operation === "chat" && (!routed || pool !== null));
    });
    if (seen.complete) {
      const pools = new Set(seen.spans.flatMap(({ pool }) => pool ?? []));
      return ok(`${seen.spans.length} spans of ${turn.sessionId}${routed ? `, served by ${[...pools].join(", ")}` : ", not routed"}`);
    }
    const missing = seen.spans.some(({ operation }) => operation === "invoke_agent")
      ? "the turn is there, its model call is not"
      : seen.spans.length > 0
        ? "the gateway's spans are there, the agent's are not"
        : "nothing of it is there";
    return failed(`after 15 s ${missing}`, `The agent sends to ${addresses.otlp}: is that address reachable from where it runs?`);
  });
}
