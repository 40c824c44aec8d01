import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
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
  registerReport,
  requireUrl,
  requireVersion,
  requireWritable,
  schedulerModels,
  stepState,
  unregisterReport,
  writeRegistration,
  writeUnregistration,
} from "@signalbox/otel/register";
import { buildPlugin } from "../build.ts";
import type { RegisterOptions, UnregisterOptions } from "./register/types.ts";
import { PROVIDER_PATH, wantedConfig } from "./register/wanted.ts";

export { RegisterError, type RegisterReport, type RegisterStep } from "@signalbox/otel/register";
export type { RegisterOptions, UnregisterOptions } from "./register/types.ts";

/** OpenClaw's config, its plugin API and its diagnostic events are as this plugin knows them from this version on. */
const OPENCLAW = { agent: "OpenClaw", oldest: [2026, 9, 0] };
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
  if (options.openclawBin !== undefined) await requireVersion(options.openclawBin, OPENCLAW);

  const models = await servedModels(options);
  let desired: ReturnType<typeof wantedConfig> = { wanted: [], notes: [] };
  const plan = await planRegister(paths.file, (base) => {
    desired = wantedConfig(base, options, paths.plugin, models);
    return desired.wanted;
  });
  const { changed } = plan;
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
      ({ name, path }): RegisterStep => ({
        name,
        state: stepState(plan, name, dryRun),
        detail: `${path.join(".")} in ${paths.file.config}`,
      }),
    ),
  ];
  return {
    ...registerReport({ agent: "openclaw", file: paths.file, dryRun }, plan),
    steps,
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
  const report = unregisterReport(
    { agent: "openclaw", file: paths.file, dryRun },
    plan,
    `OpenClaw at ${paths.openclawDir} is not registered`,
  );
  if (plan === undefined) return report;

  const shared = await othersRegistered(paths.file);
  report.steps.push(
    shared
      ? { name: "plugin", state: "kept", detail: `another config uses ${paths.plugin}` }
      : { name: "plugin", state: dryRun ? "would" : "done", detail: `removed from ${paths.plugin}` },
  );
  if (dryRun) return report;
  await writeUnregistration(paths.file, plan);
  if (!shared) await rm(paths.plugin, { recursive: true, force: true });
  return report;
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

/** The models that the scheduler serves, `auto` first; only `auto` where it does not answer. */
async function servedModels({ observeOnly, schedulerUrl, key }: RegisterOptions): Promise<string[]> {
  if (observeOnly) return [];
  const served = (await schedulerModels(schedulerUrl, key)) ?? [];
  return ["auto", ...served.filter((id) => id !== "auto").slice(0, 63)];
}
