/** What registering an agent takes and tells, the same for every agent. */

export interface CommonRegisterOptions {
  /** The scheduler's origin, e.g. `http://127.0.0.1:4320`. */
  schedulerUrl: string;
  /** The collector's origin, e.g. `http://127.0.0.1:4318`. */
  otlpEndpoint: string;
  /** Signalbox's state folder ($SIGNALBOX_HOME): the plugin, the backup and the record of what was changed go there. */
  stateDir: string;
  /** Key for the scheduler and the collector; left out on a local install that needs none. */
  key?: string;
  /** Say what would be done, write nothing. */
  dryRun?: boolean;
  /** Watch only: spans are sent, no model call is rerouted. */
  observeOnly?: boolean;
}

export interface RegisterStep {
  /** What the step is about, e.g. `plugin`, `provider`, `default model`. */
  name: string;
  /** `done` now, `unchanged` because it already was so, `would` in a dry run, `kept` because someone edited the value since. */
  state: "done" | "unchanged" | "would" | "kept";
  /** One line for the user. */
  detail: string;
}

export interface RegisterReport {
  /** The agent's name on the command line, e.g. `openclaw`. */
  agent: string;
  action: "register" | "unregister";
  dryRun: boolean;
  /** Whether the agent's config changed (or would, in a dry run). */
  changed: boolean;
  configPath: string;
  steps: RegisterStep[];
  /** Unified-style lines of the config, `-` before and `+` after; empty when nothing changes. Secrets are shown as `…`. */
  diff: string;
  /** Where the config's bytes from before are kept; null when there was no file, or nothing was written. */
  backupPath: string | null;
  /** What the user should do or know next, one line each. */
  notes: string[];
}

/** Something about the user's files or arguments that stops registration; `message` says what, where and what to do. Nothing was written. */
export class RegisterError extends Error {
  override readonly name = "RegisterError";
}

/** Throws {@link RegisterError} where `value` is no http(s) URL; `name` is the option's. */
export function requireUrl(name: string, value: string): void {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new RegisterError(`${name} ${JSON.stringify(value)} is not an http(s) URL`);
}
