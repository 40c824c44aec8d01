import type { CommonRegisterOptions } from "@signalbox/otel/register";

/** What `registerOpenclaw` takes. */
export interface RegisterOptions extends CommonRegisterOptions {
  /** The user's home; OpenClaw's files are in `<home>/.openclaw`. */
  home: string;
  /** OpenClaw's state folder where it is not `<home>/.openclaw` (OPENCLAW_STATE_DIR). */
  openclawDir?: string;
  /** The config file where it is not `<openclawDir>/openclaw.json` (OPENCLAW_CONFIG_PATH). */
  configPath?: string;
  /** The `openclaw` command, only asked for its version. Left out: the version is not checked. */
  openclawBin?: string;
}

export type UnregisterOptions = Pick<RegisterOptions, "home" | "openclawDir" | "configPath" | "stateDir" | "dryRun">;
