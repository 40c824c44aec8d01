/**
 * The folders that hold session state: one in memory where the system has a tmpfs for everyone (/dev/shm), one on disk. They belong to
 * one process that runs workers, carry its process id in their name, and are 0700. What a process that died left is removed.
 */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import type { KvOptions } from "./protocol.ts";

const SHARED_MEMORY = "/dev/shm";
const OWNER = process.getuid?.() ?? 0;
const MEMORY_PREFIX = `signalbox-kv-${OWNER}-`;

export interface KvFolders {
  options: KvOptions;
  remove(): void;
}

export function makeKvFolders({ name, kv }: Pick<LlamaCppPoolConfig, "name" | "kv">, home: string, configDirectory: string): KvFolders {
  const base = kv.folder === undefined ? path.join(home, "kv") : path.resolve(configDirectory, kv.folder);
  mkdirSync(base, { recursive: true, mode: 0o700 });
  removeLeftBehind(base, "");
  const label = name.replace(/[^\w-]/g, "_");
  const file = mkdtempSync(path.join(base, `${process.pid}-${label}-`));
  let ram: string | undefined;
  if (kv.ram_bytes > 0 && isFolder(SHARED_MEMORY)) {
    removeLeftBehind(SHARED_MEMORY, MEMORY_PREFIX);
    ram = mkdtempSync(path.join(SHARED_MEMORY, `${MEMORY_PREFIX}${process.pid}-${label}-`));
  }
  return {
    options: {
      ram: ram === undefined ? undefined : { folder: ram, bytes: kv.ram_bytes },
      file: { folder: file, bytes: kv.file_bytes },
      maxIdleMs: kv.max_idle_seconds * 1000,
    },
    remove() {
      for (const folder of [file, ram]) if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Removes our own folders `<prefix><pid>-…` whose process is gone. */
function removeLeftBehind(base: string, prefix: string): void {
  for (const name of readdirSync(base)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = path.join(base, name);
    if (statSync(folder, { throwIfNoEntry: false })?.uid === OWNER) rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const isFolder = (place: string) => statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
