import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import {
  type Change,
  planRegister,
  planUnregister,
  RegisterError,
  type RegisteredFile,
  type RegisterReport,
  type RegisterStep,
  registeredFile,
  requireUrl,
  textDiff,
  writeRegistration,
  writeUnregistration,
} from "@signalbox/otel/register";
import { AppServerError } from "./app-server.ts";
import { appServerEditor } from "./register/app-server-editor.ts";
import { editToml } from "./register/edit-toml.ts";
import { type TomlEditor, tomlFormat } from "./register/toml-format.ts";
import type { RegisterOptions, UnregisterOptions } from "./register/types.ts";
import { wantedConfig } from "./register/wanted.ts";

export { RegisterError, type RegisterReport, type RegisterStep } from "@signalbox/otel/register";
export type { RegisterOptions, UnregisterOptions } from "./register/types.ts";

/** Codex's config, headers and telemetry are as captured from this version (tests/fixtures/codex). */
const OLDEST_CODEX = [0, 169, 0];
const NOT_A_CONFIG = "nothing was changed; fix the file (codex doctor) and run this again";

/**
 * Points Codex at Signalbox in its `config.toml`: the scheduler as a model provider, and the exporters of its own telemetry. Codex's
 * own app-server makes the edit where there is a `codex`, which keeps comments and order; else we do, line by line. Idempotent.
 *
 * Throws {@link RegisterError} where it must not go on: no Codex, too old, a config that does not parse, a read-only file. The config
 * is then as it was.
 */
export async function registerCodex(options: RegisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  requireUrl("schedulerUrl", options.schedulerUrl);
  requireUrl("otlpEndpoint", options.otlpEndpoint);
  const { codexHome, file, notes: found } = await locate(options);
  if (options.codexBin !== undefined) await requireVersion(options.codexBin);
  else if (!(await isFolder(codexHome))) {
    throw new RegisterError(
      `no Codex: there is no codex on the PATH and no folder ${codexHome}; install it (npm i -g @openai/codex), or set CODEX_HOME`,
    );
  }

  const models = await schedulerModels(options);
  const isLoggedIn = (await stat(join(codexHome, "auth.json")).catch(() => undefined)) !== undefined;
  let desired: ReturnType<typeof wantedConfig> = { wanted: [], notes: [] };
  const plan = await planRegister(file, (base) => {
    desired = wantedConfig(base, options, models, isLoggedIn);
    return desired.wanted;
  });
  if (!dryRun) await writeRegistration(file, plan);
  const { changed, applied } = plan;
  const state = dryRun ? "would" : "done";
  return {
    agent: "codex",
    action: "register",
    dryRun,
    changed,
    configPath: file.config,
    steps: desired.wanted.map(
      (one): RegisterStep => ({
        name: one.name,
        state: changed && applied.changes.some((change) => change.name === one.name) ? state : "unchanged",
        detail: `${one.path.join(".")} in ${file.config}`,
      }),
    ),
    diff: changed ? textDiff(plan.current ?? "", applied.text) : "",
    backupPath: !dryRun && plan.original !== undefined ? file.backup : null,
    notes: [...desired.notes, ...found, ...(changed ? ["Sessions that run go on as they were; the next codex takes this up"] : [])],
  };
}

/**
 * Undoes `registerCodex`: the config's bytes are as they were before. Where someone has edited the file since, only values that are
 * still what was written are taken out, and the edits stay. Idempotent. Throws {@link RegisterError} as `registerCodex` does.
 */
export async function unregisterCodex(options: UnregisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  const { codexHome, file } = await locate(options);
  const plan = await planUnregister(file);
  const report: RegisterReport = {
    agent: "codex",
    action: "unregister",
    dryRun,
    changed: false,
    configPath: file.config,
    steps: [],
    diff: "",
    backupPath: null,
    notes: [],
  };
  if (plan === undefined) return { ...report, notes: [`Codex at ${codexHome} is not registered`] };
  const step = (change: Change): RegisterStep => ({
    name: change.name,
    state: plan.kept.includes(change) ? "kept" : dryRun ? "would" : "done",
    detail: change.path.join("."),
  });
  if (!dryRun) await writeUnregistration(file, plan);
  return {
    ...report,
    changed: plan.changed,
    steps: plan.changes.map(step),
    diff: textDiff(plan.current ?? "", plan.text ?? ""),
    notes: plan.kept.map((change) => `${change.path.join(".")} was changed since and stays`),
  };
}

async function locate(options: UnregisterOptions): Promise<{ codexHome: string; file: RegisteredFile; notes: string[] }> {
  const codexHome = resolve(options.codexHome ?? join(options.home, ".codex"));
  const notes: string[] = [];
  const format = tomlFormat(editorFor(options.codexBin, notes));
  return { codexHome, notes, file: await registeredFile("codex", join(codexHome, "config.toml"), options.stateDir, NOT_A_CONFIG, format) };
}

/** Codex itself; where its app-server cannot be had, our own editor, and a note that says so. */
function editorFor(bin: string | undefined, notes: string[]): TomlEditor {
  if (bin === undefined) return editToml;
  const edit = appServerEditor(bin);
  return async (source, edits) => {
    try {
      return await edit(source, edits);
    } catch (error) {
      if (error instanceof AppServerError) throw error;
      notes.push(`${(error as Error).message}: the config was edited without it`);
      return editToml(source, edits);
    }
  };
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true;

async function requireVersion(bin: string): Promise<void> {
  const { stdout } = await promisify(execFile)(bin, ["--version"], { timeout: 30_000 }).catch((error: Error) => {
    throw new RegisterError(`cannot run ${bin} --version: ${error.message.split("\n")[0]}`);
  });
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
  if (found === undefined) {
    throw new RegisterError(`${bin} --version says ${JSON.stringify(stdout.trim().slice(0, 80))}, which is no Codex version`);
  }
  const difference = found.map((part, index) => part - (OLDEST_CODEX[index] ?? 0)).find((one) => one !== 0) ?? 0;
  if (difference < 0) throw new RegisterError(`Codex ${found.join(".")} is too old; ${OLDEST_CODEX.join(".")} or later is needed`);
}

/** The models that the scheduler serves; undefined where it does not answer within a second. */
async function schedulerModels({ schedulerUrl, key, observeOnly }: RegisterOptions): Promise<string[] | undefined> {
  if (observeOnly) return undefined;
  try {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(new URL("/v1/models", schedulerUrl), { headers, signal: AbortSignal.timeout(1_000) });
    const { data } = (await response.json()) as { data?: { id?: unknown }[] };
    return (data ?? []).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  } catch {
    return undefined;
  }
}
