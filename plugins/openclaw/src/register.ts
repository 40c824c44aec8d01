import { execFile } from "node:child_process";
import { rm, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { buildPlugin } from "../build.ts";
import { parseJson5 } from "./json5/parse.ts";
import { applyChanges, type Change, revertChanges } from "./register/config-changes.ts";
import {
  locate,
  type Paths,
  type RegistrationRecord,
  readRecord,
  readText,
  requireWritable,
  sha256,
  writeAtomically,
} from "./register/files.ts";
import { textDiff } from "./register/text-diff.ts";
import { RegisterError, type RegisterOptions, type RegisterReport, type RegisterStep, type UnregisterOptions } from "./register/types.ts";
import { wantedConfig } from "./register/wanted.ts";

export type { RegisterOptions, RegisterReport, RegisterStep, UnregisterOptions } from "./register/types.ts";
export { RegisterError } from "./register/types.ts";

/** OpenClaw's config, its plugin API and its diagnostic events are as this plugin knows them from this version on. */
const OLDEST_OPENCLAW = [2026, 9, 0];
const NOT_A_CONFIG = "nothing was changed; fix the file (openclaw doctor) and run this again";

/**
 * Points OpenClaw at Signalbox: builds the plugin into the state folder and adds it, the scheduler as a provider, and the default
 * model to `openclaw.json`, with every other byte of that file left alone (OpenClaw's own writer would drop comments). A running
 * gateway reads the file again by itself. Idempotent; `register` with other options changes what was registered.
 *
 * Throws {@link RegisterError} where it must not go on: no OpenClaw, too old, a config that does not parse, a read-only file.
 * OpenClaw's files are then as they were.
 */
export async function registerOpenclaw(options: RegisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  requireUrl("schedulerUrl", options.schedulerUrl);
  requireUrl("otlpEndpoint", options.otlpEndpoint);
  const paths = await locate(options);
  if (!(await stat(paths.openclawDir).catch(() => undefined))?.isDirectory()) {
    throw new RegisterError(`no OpenClaw at ${paths.openclawDir}; install it and run \`openclaw onboard\` first, or name its folder`);
  }
  if (options.openclawBin !== undefined) await requireVersion(options.openclawBin);

  const current = await readText(paths.config);
  const original = await withoutUs(paths, current, await readRecord(paths.record));
  const base = original.text === undefined || original.text.trim() === "" ? "{}\n" : original.text;
  const models = await schedulerModels(options);
  const { wanted, notes } = inConfig(paths.config, () => {
    requireObject(base);
    return wantedConfig(base, options, paths.plugin, models);
  });
  const applied = inConfig(paths.config, () => applyChanges(base, wanted));
  const changed = applied.text !== current;

  if (!dryRun) {
    if (changed) await requireWritable(paths.config);
    await buildPlugin(paths.plugin);
    if (changed) {
      // In this order a crash at any point leaves either no trace in OpenClaw's config, or one that can be undone.
      if (original.text !== undefined) await writeAtomically(paths.backup, original.text, await readText(paths.backup));
      const record: RegistrationRecord = {
        version: 1,
        configPath: paths.config,
        existed: original.text !== undefined,
        writtenSha256: sha256(applied.text),
        changes: applied.changes,
        created: applied.created,
      };
      await writeAtomically(paths.record, `${JSON.stringify(record, null, 2)}\n`, await readText(paths.record));
      await writeAtomically(paths.config, applied.text, current);
    }
  }
  const state = dryRun ? "would" : "done";
  const steps: RegisterStep[] = [
    { name: "plugin", state, detail: `built into ${paths.plugin}` },
    ...wanted.map(
      (one): RegisterStep => ({
        name: one.name,
        state: changed && applied.changes.some((change) => change.name === one.name) ? state : "unchanged",
        detail: `${one.path.join(".")} in ${paths.config}`,
      }),
    ),
  ];
  return {
    agent: "openclaw",
    action: "register",
    dryRun,
    changed,
    configPath: paths.config,
    steps,
    diff: changed ? textDiff(current ?? "", applied.text) : "",
    backupPath: !dryRun && original.text !== undefined ? paths.backup : null,
    notes: [...notes, ...(changed ? ["A running gateway takes this up within seconds; turns under way go on"] : [])],
  };
}

/**
 * Undoes `registerOpenclaw`: the config's bytes are as they were before. Where someone has edited the file since, only values that
 * are still what was written are taken out, and the edits stay. Idempotent. Throws {@link RegisterError} as `registerOpenclaw` does.
 */
export async function unregisterOpenclaw(options: UnregisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  const paths = await locate(options);
  const record = await readRecord(paths.record);
  const report: RegisterReport = {
    agent: "openclaw",
    action: "unregister",
    dryRun,
    changed: false,
    configPath: paths.config,
    steps: [],
    diff: "",
    backupPath: null,
    notes: [],
  };
  if (record === undefined) return { ...report, notes: [`OpenClaw at ${paths.openclawDir} is not registered`] };

  const current = await readText(paths.config);
  const original = await withoutUs(paths, current, record);
  const state = dryRun ? "would" : "done";
  const step = (change: Change): RegisterStep => ({
    name: change.name,
    state: original.kept.includes(change) ? "kept" : state,
    detail: change.path.join("."),
  });
  const steps = [...record.changes.map(step), { name: "plugin", state, detail: `removed from ${paths.plugin}` } as const];
  const changed = original.text !== current;
  const result = {
    ...report,
    changed,
    steps,
    diff: textDiff(current ?? "", original.text ?? ""),
    notes: original.kept.map((change) => `${change.path.join(".")} was changed since and stays`),
  };
  if (dryRun) return result;

  if (changed) {
    await requireWritable(paths.config);
    if (original.text === undefined) await rm(paths.config);
    else await writeAtomically(paths.config, original.text, current);
  }
  for (const path of [paths.plugin, paths.record, paths.backup]) await rm(path, { recursive: true, force: true });
  return result;
}

/** The config without what an earlier registration wrote; its bytes from before where nobody has edited it since. */
async function withoutUs(
  paths: Paths,
  current: string | undefined,
  record: RegistrationRecord | undefined,
): Promise<{ text: string | undefined; kept: Change[] }> {
  if (record === undefined || current === undefined) return { text: current, kept: [] };
  if (sha256(current) === record.writtenSha256) {
    if (!record.existed) return { text: undefined, kept: [] };
    const backup = await readText(paths.backup);
    if (backup !== undefined) return { text: backup, kept: [] };
  }
  return inConfig(paths.config, () => revertChanges(current, record.changes, record.created));
}

function inConfig<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegisterError) throw error;
    throw new RegisterError(`${path}: ${(error as Error).message}; ${NOT_A_CONFIG}`);
  }
}

function requireObject(source: string): void {
  if (parseJson5(source).kind !== "object") throw new TypeError("the file is not an object");
}

function requireUrl(name: string, value: string): void {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new RegisterError(`${name} ${JSON.stringify(value)} is not an http(s) URL`);
}

async function requireVersion(bin: string): Promise<void> {
  const { stdout } = await promisify(execFile)(bin, ["--version"], { timeout: 30_000 }).catch((error: Error) => {
    throw new RegisterError(`cannot run ${bin} --version: ${error.message.split("\n")[0]}`);
  });
  const found = /(\d{4})\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
  if (found === undefined)
    throw new RegisterError(`${bin} --version says ${JSON.stringify(stdout.trim().slice(0, 80))}, which is no OpenClaw version`);
  const difference = found.map((part, index) => part - (OLDEST_OPENCLAW[index] ?? 0)).find((one) => one !== 0) ?? 0;
  if (difference < 0) throw new RegisterError(`OpenClaw ${found.join(".")} is too old; ${OLDEST_OPENCLAW.join(".")} or later is needed`);
}

/** The models that the scheduler serves, `auto` first; only `auto` where it does not answer within a second. */
async function schedulerModels(options: RegisterOptions): Promise<string[]> {
  if (options.observeOnly) return [];
  try {
    const headers: Record<string, string> = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
    const response = await fetch(new URL("/v1/models", options.schedulerUrl), { headers, signal: AbortSignal.timeout(1_000) });
    const { data } = (await response.json()) as { data?: { id?: unknown }[] };
    const ids = (data ?? []).flatMap(({ id }) => (typeof id === "string" && id !== "auto" ? [id] : []));
    return ["auto", ...ids.slice(0, 63)];
  } catch {
    return ["auto"];
  }
}
