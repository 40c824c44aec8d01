import { existsSync } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type HistorySource, readJsonLines } from "@signalbox/otel/history";
import { codexReader } from "./import.ts";

const ROLLOUT = /^rollout-.*\.jsonl(?:\.zst)?$/;
const FOLDERS = ["sessions", "archived_sessions"];

/** Every rollout below `codexHome`, archived ones too, one at a time. */
export async function* codexHistory(codexHome: string): AsyncGenerator<HistorySource> {
  for (const folder of FOLDERS) {
    const root = join(codexHome, folder);
    if (!existsSync(root)) continue;
    for await (const entry of await opendir(root, { recursive: true })) {
      if (!entry.isFile() || !ROLLOUT.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const { mtimeMs, size } = await stat(path);
      yield { path, modifiedMs: mtimeMs, bytes: size, read: ({ content }) => readJsonLines(path, codexReader({ content })) };
    }
  }
}
