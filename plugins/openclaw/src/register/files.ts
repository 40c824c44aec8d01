import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Change } from "./config-changes.ts";
import { RegisterError, type RegisterOptions } from "./types.ts";

export interface Paths {
  openclawDir: string;
  /** The config file, with symbolic links followed: a link stays a link. */
  config: string;
  /** Where the plugin is installed. */
  plugin: string;
  record: string;
  backup: string;
}

/** What a registration did, kept until it is undone. */
export interface RegistrationRecord {
  version: 1;
  configPath: string;
  /** Whether OpenClaw had a config file. */
  existed: boolean;
  /** SHA-256 of the config as it was written. */
  writtenSha256: string;
  changes: Change[];
  created: string[][];
}

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

export async function locate(options: Pick<RegisterOptions, "home" | "openclawDir" | "configPath" | "stateDir">): Promise<Paths> {
  const openclawDir = resolve(options.openclawDir ?? join(options.home, ".openclaw"));
  const config = resolve(options.configPath ?? join(openclawDir, "openclaw.json"));
  const stateDir = resolve(options.stateDir);
  // One state folder may serve several OpenClaws, each with a config of its own.
  const name = `openclaw-${sha256(config).slice(0, 12)}`;
  return {
    openclawDir,
    config: await realpath(config).catch(() => config),
    plugin: join(stateDir, "plugins", "openclaw"),
    record: join(stateDir, "register", `${name}.json`),
    backup: join(stateDir, "register", `${name}.backup`),
  };
}

/** The text of a file; undefined where there is none. Throws RegisterError where it is there and cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RegisterError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/** Throws RegisterError where the file is there and its owner may not write it: a rename would not ask. */
export async function requireWritable(path: string): Promise<void> {
  const mode = (await stat(path).catch(() => undefined))?.mode;
  if (mode !== undefined && (mode & 0o200) === 0) {
    throw new RegisterError(`${path} is read-only; make it writable (chmod u+w) and run this again`);
  }
}

/**
 * Replaces a file's text in one step, its mode kept (0600 for a new one). `expected` is the text it must still have: OpenClaw may
 * have written meanwhile. Throws RegisterError; the file is then as it was.
 */
export async function writeAtomically(path: string, text: string, expected: string | undefined): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.signalbox.tmp`);
  try {
    const mode = (await stat(path).catch(() => undefined))?.mode;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (mode !== undefined) await file.chmod(mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await readText(path)) !== expected) throw new RegisterError(`${path} was changed by another program just now; run this again`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof RegisterError) throw error;
    throw new RegisterError(`cannot write ${path}: ${(error as Error).message}`);
  }
}

/** What the last registration recorded; undefined where there is none. Throws RegisterError where it cannot be understood. */
export async function readRecord(path: string): Promise<RegistrationRecord | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as RegistrationRecord;
    if (record.version === 1 && Array.isArray(record.changes) && Array.isArray(record.created)) return record;
  } catch {
    // Told below.
  }
  throw new RegisterError(`${path} is not a registration record this version can read; move it away to start afresh`);
}
