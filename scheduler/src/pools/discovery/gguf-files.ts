/** GGUF files in the folders where people keep them: the walk is bounded, and one file is served, if memory has room for it. */

import { open, readdir, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Environment } from "../../config/references.ts";
import type { Finding } from "./finding.ts";
import { ASSUMED_HOURLY_USD } from "./local-servers.ts";

const MAX_DEPTH = 6;
const MAX_ENTRIES = 5_000;
/** Of the free memory: the context and everything else want theirs. */
const MEMORY_SHARE = 0.4;
const CONTEXT_TOKENS = 8_192;
const SLOTS = 2;
/** Our own demo model; parts of a model after the first; projectors of images, which are no models by themselves. */
const NOT_A_MODEL = /^signalbox-demo-|-0000[2-9]-of-|-000[1-9]\d-of-|mmproj/i;

export function modelFolders(home: string, environment: Environment): string[] {
  const user = os.homedir();
  const cache = environment.XDG_CACHE_HOME ?? path.join(user, ".cache");
  return [
    path.resolve("models"),
    path.join(home, "models"),
    path.join(user, "models"),
    environment.LLAMA_CACHE ?? path.join(cache, "llama.cpp"),
    environment.HF_HOME ? path.join(environment.HF_HOME, "hub") : path.join(cache, "huggingface", "hub"),
    path.join(user, ".lmstudio", "models"),
  ];
}

interface ModelFile {
  file: string;
  bytes: number;
}

export async function lookForFiles(folders: readonly string[], freeBytes: number = os.freemem()): Promise<Finding[]> {
  const files = await filesIn(folders);
  const fitting = files.filter(({ bytes }) => bytes <= MEMORY_SHARE * freeBytes).sort((a, b) => b.bytes - a.bytes)[0];
  const text = `${files.length} GGUF file${files.length === 1 ? "" : "s"}`;
  if (files.length === 0) return [];
  if (!fitting) return [{ pool: undefined, local: true, text: `${text}, none small enough for the free memory: not used` }];
  const id = path.basename(fitting.file, ".gguf").slice(0, 128);
  const pool = {
    name: "local-gguf",
    silicon: "cpu",
    hardware: "this machine's CPU",
    engine: "llama-cpp",
    model: fitting.file,
    models: [{ id, tier: 0 }],
    slots: SLOTS,
    // llama.cpp's threads spin while they wait: agents, and we, want cores too.
    threads: Math.max(1, Math.floor(os.availableParallelism() / 2)),
    context_tokens: CONTEXT_TOKENS,
    hourly_usd: ASSUMED_HOURLY_USD.cpu,
  };
  return [{ pool, local: true, text: `${text}; serving ${fitting.file} (cpu, assumed $${ASSUMED_HOURLY_USD.cpu.toFixed(2)} an hour)` }];
}

async function filesIn(folders: readonly string[]): Promise<ModelFile[]> {
  const found = new Map<string, ModelFile>();
  const pending = folders.map((folder) => ({ folder, depth: 0 }));
  let entries = 0;
  for (let next = pending.shift(); next && entries < MAX_ENTRIES; next = pending.shift()) {
    const { folder, depth } = next;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MAX_ENTRIES) break;
      const place = path.join(folder, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) pending.push({ folder: place, depth: depth + 1 });
      // Hugging Face's cache names its files by links.
      else if (/\.gguf$/i.test(entry.name) && !NOT_A_MODEL.test(entry.name)) {
        const bytes = await sizeOfGguf(place);
        if (bytes !== undefined) found.set(place, { file: place, bytes });
      }
    }
  }
  return [...found.values()];
}

/** undefined: it does not begin as a GGUF does, or cannot be read. */
async function sizeOfGguf(place: string): Promise<number | undefined> {
  try {
    if (!(await stat(place)).isFile()) return undefined;
    const file = await open(place);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return bytesRead === 4 && buffer.toString("latin1") === "GGUF" ? (await file.stat()).size : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
