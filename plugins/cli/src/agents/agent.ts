import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { HistorySource } from "@signalbox/otel/history";
import type { RegisterReport } from "@signalbox/otel/register";
import type { Probe } from "../doctor/probe.ts";

/** What every agent's registration is told by the command line. */
export interface AgentPlace {
  /** The user's home folder. */
  home: string;
  /** Signalbox's state folder. */
  stateDir: string;
  /** Register for this project folder alone, where the agent knows such a thing. */
  project?: string;
  dryRun: boolean;
}

export interface RegisterRequest extends AgentPlace {
  schedulerUrl: string;
  otlpEndpoint: string;
  /** SIGNALBOX_KEY; never printed. */
  key?: string;
  observeOnly: boolean;
  /** Whether the user lets the agent run hooks of ours. */
  trustHooks(explanation: string): Promise<boolean>;
}

/** An agent that the command line can set up. A new one: one file here and one line in index.ts. */
export interface Agent {
  /** As typed, e.g. `openclaw`. */
  name: string;
  /** For people, e.g. `OpenClaw`. */
  title: string;
  /** Whether register and unregister know `--project`. */
  perProject: boolean;
  register(request: RegisterRequest): Promise<RegisterReport>;
  unregister(place: AgentPlace): Promise<RegisterReport>;
  /** What it keeps on disk of its past sessions, for this user. */
  history(home: string): AsyncIterable<HistorySource>;
  /** For `doctor <agent>`: is it registered, and does a real turn of the agent come through. Left out where there is none yet. */
  doctor?: AgentDoctor;
}

export interface AgentDoctor {
  /** What is set up, in one line. Throws SetupError where the agent is missing or not registered, with what to do. */
  registration(place: AgentPlace): Promise<{ detail: string; routed: boolean }>;
  /** Runs one small turn of the real agent, non-interactive, and says which session it was. Throws SetupError. */
  turn(place: AgentPlace): Promise<AgentTurn>;
}

export type AgentTurn = Pick<Probe, "sessionId" | "ms"> & { detail: string };

/** The first executable of that name on the PATH. */
export function findOnPath(command: string): string | undefined {
  const names = process.platform === "win32" ? [`${command}.cmd`, `${command}.exe`] : [command];
  return (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}
