import { readdir, realpath, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Applied, applyChanges, type Change, type Reverted, revertChanges, type Wanted } from "./config-changes.ts";
import { readText, requireWritable, sha256, writeAtomically } from "./files.ts";
import { parseJson5 } from "./json5/parse.ts";
import { RegisterError } from "./types.ts";

/** How changes are put into a config's text and taken out again. Both throw where the text does not parse. */
export interface ConfigFormat {
  /** What an empty or missing file stands for. */
  empty: string;
  apply(source: string, wanted: readonly Wanted[]): Applied | Promise<Applied>;
  revert(source: string, changes: readonly Change[], created: readonly string[][]): Reverted | Promise<Reverted>;
}

const JSON5: ConfigFormat = {
  empty: "{}\n",
  apply(source, wanted) {
    requireObject(source);
    return applyChanges(source, wanted);
  },
  revert: revertChanges,
};

/** One config file of an agent, and where a registration of it is remembered. */
export interface RegisteredFile {
  /** With symbolic links followed: a link stays a link. */
  config: string;
  record: string;
  backup: string;
  /** What to do about a config that does not parse, e.g. `fix the file and run this again`. */
  advice: string;
  format: ConfigFormat;
}

/** What a registration did, kept until it is undone. */
interface RegistrationRecord {
  version: 1;
  configPath: string;
  /** Whether the agent had a config file. */
  existed: boolean;
  /** SHA-256 of the config as it was written. */
  writtenSha256: string;
  changes: Change[];
  created: string[][];
}

/** A registration worked out and not yet written. */
export interface RegisterPlan {
  current: string | undefined;
  /** The config without us; undefined where there was no file. */
  original: string | undefined;
  applied: Applied;
  changed: boolean;
}

export interface UnregisterPlan {
  current: string | undefined;
  /** What will stand there; undefined where the file goes. */
  text: string | undefined;
  changes: Change[];
  /** Those that someone has edited since; they stay. */
  kept: Change[];
  changed: boolean;
}

/** Where a registration of `config` is kept below `stateDir`: one state folder may serve several configs of one agent. */
export async function registeredFile(
  agent: string,
  config: string,
  stateDir: string,
  advice: string,
  format: ConfigFormat = JSON5,
): Promise<RegisteredFile> {
  const path = resolve(config);
  const name = `${agent}-${sha256(path).slice(0, 12)}`;
  const folder = join(resolve(stateDir), "register");
  return {
    config: await realpath(path).catch(() => path),
    record: join(folder, `${name}.json`),
    backup: join(folder, `${name}.backup`),
    advice,
    format,
  };
}

/**
 * Works out what `wanted` makes of the file, an earlier registration of ours taken out first. Writes nothing. `wanted` is asked with
 * the config without us. Throws {@link RegisterError} where the file cannot be read or does not parse.
 */
export async function planRegister(file: RegisteredFile, wanted: (base: string) => readonly Wanted[]): Promise<RegisterPlan> {
  const current = await readText(file.config);
  const { text: original } = await withoutUs(file, current, await readRecord(file.record));
  const base = original === undefined || original.trim() === "" ? file.format.empty : original;
  const applied = await inConfig(file, () => file.format.apply(base, wanted(base)));
  return { current, original, applied, changed: applied.text !== current };
}

/** Writes a plan, in an order that a crash at any point leaves either no trace in the config, or one that can be undone. */
export async function writeRegistration(file: RegisteredFile, plan: RegisterPlan): Promise<void> {
  if (!plan.changed) return;
  await requireWritable(file.config);
  if (plan.original !== undefined) await writeAtomically(file.backup, plan.original, await readText(file.backup));
  const record: RegistrationRecord = {
    version: 1,
    configPath: file.config,
    existed: plan.original !== undefined,
    writtenSha256: sha256(plan.applied.text),
    changes: plan.applied.changes,
    created: plan.applied.created,
  };
  await writeAtomically(file.record, `${JSON.stringify(record, null, 2)}\n`, await readText(file.record));
  await writeAtomically(file.config, plan.applied.text, plan.current);
}

/** Works out the config as it was before; where someone edited it since, without those of our values that are still ours. */
export async function planUnregister(file: RegisteredFile): Promise<UnregisterPlan | undefined> {
  const record = await readRecord(file.record);
  if (record === undefined) return undefined;
  const current = await readText(file.config);
  const { text, kept } = await withoutUs(file, current, record);
  return { current, text, changes: record.changes, kept, changed: text !== current };
}

export async function writeUnregistration(file: RegisteredFile, plan: UnregisterPlan): Promise<void> {
  if (plan.changed) {
    await requireWritable(file.config);
    if (plan.text === undefined) await rm(file.config);
    else await writeAtomically(file.config, plan.text, plan.current);
  }
  for (const path of [file.record, file.backup]) await rm(path, { force: true });
}

/** Whether another config of the same agent is registered from the same state folder, and so needs what is installed there. */
export async function othersRegistered({ record }: RegisteredFile): Promise<boolean> {
  const agentOf = (name: string) => name.replace(/-[0-9a-f]{12}\.json$/, "");
  const own = basename(record);
  const names = await readdir(dirname(record)).catch((): string[] => []);
  return names.some((name) => name !== own && agentOf(name) === agentOf(own));
}

/** The config without what an earlier registration wrote; its bytes from before where nobody has edited it since. */
async function withoutUs(
  file: RegisteredFile,
  current: string | undefined,
  record: RegistrationRecord | undefined,
): Promise<{ text: string | undefined; kept: Change[] }> {
  if (record === undefined || current === undefined) return { text: current, kept: [] };
  if (sha256(current) === record.writtenSha256) {
    if (!record.existed) return { text: undefined, kept: [] };
    const backup = await readText(file.backup);
    if (backup !== undefined) return { text: backup, kept: [] };
  }
  return inConfig(file, () => file.format.revert(current, record.changes, record.created));
}

/** What the last registration recorded; undefined where there is none. Throws RegisterError where it cannot be understood. */
async function readRecord(path: string): Promise<RegistrationRecord | undefined> {
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

async function inConfig<T>(file: RegisteredFile, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RegisterError) throw error;
    throw new RegisterError(`${file.config}: ${(error as Error).message}; ${file.advice}`);
  }
}

function requireObject(source: string): void {
  if (parseJson5(source).kind !== "object") throw new TypeError("the file is not an object");
}
