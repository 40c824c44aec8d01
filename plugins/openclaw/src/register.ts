import { execFile } from "node:child_process";
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import {
  type Change,
  getValue,
  othersRegistered,
  planRegister,
  planUnregister,
  RegisterError,
  type RegisteredFile,
  type RegisterReport,
  type RegisterStep,
  readText,
  registeredFile,
  requireUrl,
  requireWritable,
  textDiff,
  writeRegistration,
  writeUnregistration,
} from "@signalbox/otel/register";
import { buildPlugin } from "../build.ts";
import type { RegisterOptions, UnregisterOptions } from "./register/types.ts";
import { PROVIDER_PATH, wantedConfig } from "./register/wanted.ts";

export { RegisterError, type RegisterReport, type RegisterStep } from "@signalbox/otel/register";
export type { RegisterOptions, UnregisterOptions } from "./register/types.ts";

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

  const models = await schedulerModels(options);
  let desired: ReturnType<typeof wantedConfig> = { wanted: [], notes: [] };
  const plan = await planRegister(paths.file, (base) => {
    desired = wantedConfig(base, options, paths.plugin, models);
    return desired.wanted;
  });
  const { changed, applied } = plan;
  const { wanted, notes } = desired;

  if (!dryRun) {
    if (changed) await requireWritable(paths.file.config);
    await buildPlugin(paths.plugin);
    await writeRegistration(paths.file, plan);
  }
  const state = dryRun ? "would" : "done";
  const steps: RegisterStep[] = [
    { name: "plugin", state, detail: `built into ${paths.plugin}` },
    ...wanted.map(
      (one): RegisterStep => ({
        name: one.name,
        state: changed && applied.changes.some((change) => change.name === one.name) ? state : "unchanged",
        detail: `${one.path.join(".")} in ${paths.file.config}`,
      }),
    ),
  ];
  return {
    agent: "openclaw",
    action: "register",
    dryRun,
    changed,
    configPath: paths.file.config,
    steps,
    diff: changed ? textDiff(plan.current ?? "", applied.text) : "",
    backupPath: !dryRun && plan.original !== undefined ? paths.file.backup : null,
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
  const plan = await planUnregister(paths.file);
  const report: RegisterReport = {
    agent: "openclaw",
    action: "unregister",
    dryRun,
    changed: false,
    configPath: paths.file.config,
    steps: [],
    diff: "",
    backupPath: null,
    notes: [],
  };
  if (plan === undefined) return { ...report, notes: [`OpenClaw at ${paths.openclawDir} is not registered`] };

  const state = dryRun ? "would" : "done";
  const shared = await othersRegistered(paths.file);
  const step = (change: Change): RegisterStep => ({
    name: change.name,
    state: plan.kept.includes(change) ? "kept" : state,
    detail: change.path.join("."),
  });
  const result: RegisterReport = {
    ...report,
    changed: plan.changed,
    steps: [
      ...plan.changes.map(step),
      shared
        ? { name: "plugin", state: "kept", detail: `another config uses ${paths.plugin}` }
        : { name: "plugin", state, detail: `removed from ${paths.plugin}` },
    ],
    diff: textDiff(plan.current ?? "", plan.text ?? ""),
    notes: plan.kept.map((change) => `${change.path.join(".")} was changed since and stays`),
  };
  if (dryRun) return result;
  await writeUnregistration(paths.file, plan);
  if (!shared) await rm(paths.plugin, { recursive: true, force: true });
  return result;
}

/** What OpenClaw's config says of Signalbox; undefined where it is not registered. Throws {@link RegisterError} where it does not parse. */
export async function openclawRegistration(
  options: UnregisterOptions,
): Promise<{ configPath: string; routedTo: string | null } | undefined> {
  const { file } = await locate(options);
  if ((await planUnregister(file)) === undefined) return undefined;
  const source = (await readText(file.config)) ?? "{}";
  const baseUrl = getValue(source, PROVIDER_PATH.concat("baseUrl"));
  return { configPath: file.config, routedTo: typeof baseUrl === "string" ? baseUrl : null };
}

interface Paths {
  openclawDir: string;
  /** Where the plugin is installed. */
  plugin: string;
  file: RegisteredFile;
}

async function locate(options: UnregisterOptions): Promise<Paths> {
  const openclawDir = resolve(options.openclawDir ?? join(options.home, ".openclaw"));
  const config = options.configPath ?? join(openclawDir, "openclaw.json");
  return {
    openclawDir,
    plugin: join(resolve(options.stateDir), "plugins", "openclaw"),
    file: await registeredFile("openclaw", config, options.stateDir, NOT_A_CONFIG),
  };
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
