import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAppServer } from "../app-server.ts";
import type { TomlEditor } from "./toml-format.ts";

/**
 * Codex's own editor, which keeps comments and knows every layout: its app-server writes into a copy of the config in a folder that
 * is gone afterwards. The user's own folder is left to the caller, and stays free of the databases that an app-server makes in its home.
 * Rejects with AppServerError where Codex refuses the config, and with another error where the app-server cannot be had.
 */
export const appServerEditor =
  (bin: string): TomlEditor =>
  async (source, edits) => {
    const home = await mkdtemp(join(tmpdir(), "signalbox-codex-"));
    try {
      const config = join(home, "config.toml");
      await writeFile(config, source, { mode: 0o600 });
      const server = await startAppServer(bin, home);
      try {
        await server.call("config/batchWrite", {
          edits: edits.map(({ path, value }) => ({
            keyPath: path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))).join("."),
            value: value ?? null,
            mergeStrategy: "replace",
          })),
        });
      } finally {
        await server.close();
      }
      return await readFile(config, "utf8");
    } finally {
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  };
