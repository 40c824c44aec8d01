/** Follows a config file: applies what it says when it changes, and keeps what was in force where that is wrong. */

import path from "node:path";
import { watchFolder } from "@signalbox/otel/watch-folder";
import { type Config, ConfigError, parseConfig, readConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { Environment } from "./references.ts";

/** As `/readyz` and `/control/config` show it. Times are ISO 8601. */
export interface ConfigStatus {
  /** Null: the built-in config. */
  file: string | null;
  applied_at: string;
  /** Configs applied since the start, the first among them. */
  applied: number;
  refused: number;
  /** What is wrong with the file as it is now, a line each; the config before it is in force. */
  problems: readonly string[];
  /** What the file says that waits for a restart. */
  waits_for_restart: readonly string[];
}

export interface ConfigFollower {
  readonly status: ConfigStatus;
  /** Reads the file again, whether it changed or not. One at a time; resolves when that is done. */
  reload(): Promise<void>;
  close(): void;
}

export interface FollowOptions {
  /** Undefined: nothing is followed. */
  file: string | undefined;
  environment: Environment;
  /** Puts a checked config in force. @returns what of it waits for a restart */
  apply: (config: Config) => Promise<readonly string[]>;
  log: Log;
}

/** How Kubernetes changes a mounted file: by the link that its folder is reached through. */
const KUBERNETES_LINK = "..data";

export function followConfig({ file, environment, apply, log }: FollowOptions): ConfigFollower {
  const status: ConfigStatus = {
    file: file ?? null,
    applied_at: new Date().toISOString(),
    applied: 1,
    refused: 0,
    problems: [],
    waits_for_restart: [],
  };
  /** As last seen: a folder tells of much that changes nothing. */
  let seen = file === undefined ? undefined : readConfig(file);
  let running = Promise.resolve();

  async function load(named: string, onlyIfChanged: boolean): Promise<void> {
    try {
      const before = seen;
      // What could not be read counts as changed once it can, even where it comes back as it was.
      seen = undefined;
      const text = readConfig(named);
      seen = text;
      if (onlyIfChanged && text === before) return;
      const waiting = await apply(parseConfig(text, named, environment));
      Object.assign(status, {
        applied_at: new Date().toISOString(),
        applied: status.applied + 1,
        problems: [],
        waits_for_restart: waiting,
      });
      log.info("config reloaded", { file: named });
      if (waiting.length > 0) log.warn("a part of the config waits for a restart", { parts: waiting.join(", ") });
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [`${named}: ${(error as Error).message}`];
      Object.assign(status, { refused: status.refused + 1, problems });
      for (const problem of problems) log.error("config refused, the one before it stays in force", { problem });
    }
  }

  const reload = (onlyIfChanged: boolean) => {
    if (file === undefined) {
      log.warn("there is no config file to reload: the built-in config is in force");
      return running;
    }
    running = running.then(() => load(file, onlyIfChanged));
    return running;
  };

  const stopWatching =
    file === undefined
      ? undefined
      : watchFolder({
          folder: path.dirname(file),
          isMeant: (name) => name === path.basename(file) || name === KUBERNETES_LINK,
          onChange: () => void reload(true),
          onUnwatched: (error) => log.warn("changes of the config are not seen: send SIGHUP to reload it", { reason: error.message }),
        });

  return {
    status,
    reload: () => reload(false),
    close: () => stopWatching?.(),
  };
}
