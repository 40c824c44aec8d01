import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type CommonRegisterOptions,
  getValue,
  planRegister,
  planUnregister,
  RegisterError,
  type RegisteredFile,
  type RegisterReport,
  type RegisterStep,
  readText,
  registeredFile,
  registerReport,
  removeValue,
  requireUrl,
  requireVersion,
  requireWritable,
  schedulerModels,
  stepState,
  unregisterReport,
  writeAtomically,
  writeRegistration,
  writeUnregistration,
} from "@signalbox/otel/register";
import { PLUGIN_NAME, pluginFiles } from "./plugin-files.ts";
import { type WantedSettings, wantedSettings } from "./wanted-settings.ts";

export { RegisterError, type RegisterReport } from "@signalbox/otel/register";

export interface RegisterOptions extends CommonRegisterOptions {
  /** The user's home; Claude Code's files are in `<home>/.claude`. */
  home: string;
  /** Where they are instead (CLAUDE_CONFIG_DIR). */
  configDir?: string;
  /** A project's folder: its `.claude/settings.local.json` is written, not the user's settings. */
  project?: string;
  /** The `claude` command, only asked for its version. Left out: the version is not checked. */
  claudeBin?: string;
  /** Whether the user lets Claude Code run hooks of ours; asked once, before anything is written. */
  trustHooks: (explanation: string) => Promise<boolean>;
}

export type UnregisterOptions = Pick<RegisterOptions, "home" | "configDir" | "project" | "stateDir" | "dryRun">;

/** Claude Code's telemetry, headers and http hooks are as this plugin knows them from this version on. */
const CLAUDE_CODE = { agent: "Claude Code", oldest: [2, 1, 300] };
const ADVICE = "nothing was changed; fix the file (claude doctor) and run this again";
const WHY_HOOKS =
  "Claude Code would ask Signalbox, by HTTP hooks, before each tool call whether the session is stopped, and would tell it of each tool call's end.";

/**
 * Points Claude Code at Signalbox: writes the plugin folder, and into settings.json its hooks, the telemetry environment and, unless
 * only observing, the scheduler as base URL. Every other byte of the file stays. Idempotent; `register` with other options changes
 * what was registered. Sessions that run take up nothing of it: Claude Code reads its environment at the start.
 *
 * Throws {@link RegisterError} where it must not go on: no Claude Code, too old, settings that do not parse, a read-only file.
 */
export async function registerClaudeCode(options: RegisterOptions): Promise<RegisterReport> {
  const { dryRun = false, key } = options;
  requireUrl("schedulerUrl", options.schedulerUrl);
  requireUrl("otlpEndpoint", options.otlpEndpoint);
  if (key !== undefined && /[\s,]/.test(key)) throw new RegisterError("the key has a space or a comma, which no header list can carry");
  const place = await locate(options);
  if (!(await isFolder(place.mustExist))) throw new RegisterError(`no ${place.what} at ${place.mustExist}; ${place.remedy}`);
  if (options.claudeBin !== undefined) await requireVersion(options.claudeBin, CLAUDE_CODE);

  const models = options.observeOnly ? undefined : await schedulerModels(options.schedulerUrl, key);
  const hooks = await options.trustHooks(WHY_HOOKS);
  let desired: WantedSettings = { wanted: [], notes: [] };
  const plan = await planRegister(place.file, (base) => {
    desired = wantedSettings(base, options, { pluginDir: place.plugin, models, hooks });
    return desired.wanted;
  });
  const { changed } = plan;
  if (!dryRun) {
    if (changed) await requireWritable(place.file.config);
    if (hooks) await writePlugin(place.plugin, options.schedulerUrl);
    await writeRegistration(place.file, plan);
  }
  const state = dryRun ? "would" : "done";
  const steps: RegisterStep[] = [
    ...(hooks ? [{ name: "plugin files", state, detail: place.plugin } satisfies RegisterStep] : []),
    ...desired.wanted.map(
      ({ name, path }): RegisterStep => ({
        name,
        state: stepState(plan, name, dryRun),
        detail: path.join("."),
      }),
    ),
  ];
  const report = registerReport({ agent: "claude-code", file: place.file, dryRun }, plan);
  return {
    ...report,
    steps,
    diff: withoutKey(report.diff, key),
    notes: [
      ...desired.notes,
      ...(await modeNotes(place.file.config, key)),
      ...(changed ? ["Sessions that run go on as they are; the next one is seen"] : []),
    ],
  };
}

/**
 * Undoes `registerClaudeCode`: the settings' bytes are as they were before. Where someone has edited the file since, only values that
 * are still what was written are taken out. Idempotent. Throws {@link RegisterError} as `registerClaudeCode` does.
 */
export async function unregisterClaudeCode(options: UnregisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  const place = await locate(options);
  const plan = await planUnregister(place.file);
  const report = unregisterReport({ agent: "claude-code", file: place.file, dryRun }, plan, `${place.file.config} is not registered`);
  if (plan === undefined) return report;
  const keyChange = plan.changes.find(({ name }) => name === "SIGNALBOX_KEY")?.value;
  const result: RegisterReport = {
    ...report,
    steps: [...report.steps, { name: "plugin files", state: dryRun ? "would" : "done", detail: place.plugin }],
    diff: withoutKey(report.diff, typeof keyChange === "string" ? keyChange : undefined),
  };
  if (dryRun) return result;
  await writeUnregistration(place.file, plan);
  await forgetMarketplace(place);
  await rm(place.plugin, { recursive: true, force: true });
  return result;
}

/** What is set up in one place, told from the settings alone. */
export async function claudeCodeRegistration(
  options: UnregisterOptions,
): Promise<{ configPath: string; routedTo: string | null } | undefined> {
  const { file } = await locate(options);
  if ((await planUnregister(file)) === undefined) return undefined;
  const source = (await readText(file.config)) ?? "{}";
  const baseUrl = getValue(source, ["env", "ANTHROPIC_BASE_URL"]);
  const mark = getValue(source, ["env", "OTEL_RESOURCE_ATTRIBUTES"]);
  const routed = typeof mark === "string" && mark.includes("signalbox.routed=true") && typeof baseUrl === "string";
  return { configPath: file.config, routedTo: routed ? baseUrl : null };
}

interface Place {
  file: RegisteredFile;
  plugin: string;
  /** Claude Code's own list of the marketplaces it has met. */
  knownMarketplaces: string;
  /** The folder that tells that there is something to register, and what to say where it is not. */
  mustExist: string;
  what: string;
  remedy: string;
}

async function locate(options: UnregisterOptions): Promise<Place> {
  const configDir = resolve(options.configDir ?? join(options.home, ".claude"));
  const { project } = options;
  const settings = project === undefined ? join(configDir, "settings.json") : join(resolve(project), ".claude", "settings.local.json");
  const file = await registeredFile("claude-code", settings, options.stateDir, ADVICE);
  return {
    file,
    // One folder a registration: each has a scheduler of its own.
    plugin: join(resolve(options.stateDir), "plugins", file.record.replace(/^.*[\\/]|\.json$/g, "")),
    knownMarketplaces: join(configDir, "plugins", "known_marketplaces.json"),
    ...(project === undefined
      ? { mustExist: configDir, what: "Claude Code", remedy: "install it and run `claude` once, or name its folder in CLAUDE_CONFIG_DIR" }
      : { mustExist: resolve(project), what: "project", remedy: "name a folder that is there" }),
  };
}

async function writePlugin(folder: string, schedulerUrl: string): Promise<void> {
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  for (const [path, text] of Object.entries(pluginFiles(schedulerUrl, version))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Claude Code keeps each marketplace that settings ever named in a list of its own: ours would stay there, with a folder that is gone. */
async function forgetMarketplace({ knownMarketplaces, plugin }: Place): Promise<void> {
  const text = await readText(knownMarketplaces);
  if (text === undefined || getValue(text, [PLUGIN_NAME, "source", "path"]) !== plugin) return;
  const without = removeValue(text, [PLUGIN_NAME]);
  if (getValue(without, []) !== undefined && Object.keys(getValue(without, []) as object).length === 0) await rm(knownMarketplaces);
  else await writeAtomically(knownMarketplaces, without, text);
}

async function modeNotes(path: string, key: string | undefined): Promise<string[]> {
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0;
  if (key === undefined || (mode & 0o077) === 0) return [];
  return [`${path} now holds a key and others may read it (chmod 600 ${path})`];
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true;
const withoutKey = (text: string, key: string | undefined) => (key === undefined ? text : text.replaceAll(key, "…"));
