/** What `registerOpenclaw` and `unregisterOpenclaw` take and tell. */

export interface RegisterOptions {
  /** The user's home; OpenClaw's files are in `<home>/.openclaw`. */
  home: string;
  /** OpenClaw's state folder where it is not `<home>/.openclaw` (OPENCLAW_STATE_DIR). */
  openclawDir?: string;
  /** The config file where it is not `<openclawDir>/openclaw.json` (OPENCLAW_CONFIG_PATH). */
  configPath?: string;
  /** The `openclaw` command, only asked for its version. Left out: the version is not checked. */
  openclawBin?: string;
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
  /** Watch only: the plugin is installed, no provider is added, no model is rerouted. */
  observeOnly?: boolean;
}

export type UnregisterOptions = Pick<RegisterOptions, "home" | "openclawDir" | "configPath" | "stateDir" | "dryRun">;

export interface RegisterStep {
  /** What the step is about, e.g. `plugin`, `provider`, `default model`. */
  name: string;
  /** `done` now, `unchanged` because it already was so, `would` in a dry run, `kept` because someone edited the value since. */
  state: "done" | "unchanged" | "would" | "kept";
  /** One line for the user. */
  detail: string;
}

export interface RegisterReport {
  agent: "openclaw";
  action: "register" | "unregister";
  dryRun: boolean;
  /** Whether OpenClaw's config changed (or would, in a dry run). */
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
