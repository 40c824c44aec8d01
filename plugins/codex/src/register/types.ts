import type { CommonRegisterOptions } from "@signalbox/otel/register";

export interface RegisterOptions extends CommonRegisterOptions {
  /** The user's home; Codex's files are in `<home>/.codex`. */
  home: string;
  /** Codex's folder where it is not `<home>/.codex` (CODEX_HOME). */
  codexHome?: string;
  /** The `codex` command. Left out: the config is edited without it and its version is not checked. */
  codexBin?: string;
}

export type UnregisterOptions = Pick<RegisterOptions, "home" | "codexHome" | "codexBin" | "stateDir" | "dryRun">;
