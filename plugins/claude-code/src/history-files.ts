import { existsSync, readFileSync } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type HistorySource, readJsonLines } from "@signalbox/otel/history";
import { claudeCodeReader, type SubAgentMeta } from "./import.ts";

const SESSION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl$/i;
const SUB_AGENT = /^agent-(.+)\.jsonl$/;

/** Every transcript below `<configDir>/projects`, one at a time. */
export async function* claudeCodeHistory(configDir: string): AsyncGenerator<HistorySource> {
  const root = join(configDir, "projects");
  if (!existsSync(root)) return;
  for await (const entry of await opendir(root, { recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const agentId = SUB_AGENT.exec(entry.name)?.[1];
    const sessionId = agentId === undefined ? basename(entry.name, ".jsonl") : basename(dirname(entry.parentPath));
    if (agentId === undefined ? !SESSION.test(entry.name) : basename(entry.parentPath) !== "subagents") continue;
    const { mtimeMs, size } = await stat(path);
    yield {
      path,
      modifiedMs: mtimeMs,
      bytes: size,
      read: ({ content }) => {
        const subAgent = agentId === undefined ? {} : { subAgent: { agentId, meta: readMeta(path) } };
        return readJsonLines(path, claudeCodeReader({ sessionId, content, ...subAgent }));
      },
    };
  }
}

/** Versions before it was written, and a broken one, know less of the tree. */
function readMeta(transcript: string): SubAgentMeta {
  try {
    return JSON.parse(readFileSync(transcript.replace(/\.jsonl$/, ".meta.json"), "utf8")) as SubAgentMeta;
  } catch {
    return {};
  }
}
