import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  planRegister,
  planUnregister,
  RegisterError,
  type RegisteredFile,
  type RegisterReport,
  type RegisterStep,
  registeredFile,
  registerReport,
  requireUrl,
  requireVersion,
  schedulerModels,
  stepState,
  unregisterReport,
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
const CODEX = { agent: "Codex", oldest: [0, 169, 0] };
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
  if (options.codexBin !== undefined) await requireVersion(options.codexBin, CODEX);
  else if (!(await isFolder(codexHome))) {
    throw new RegisterError(
      `no Codex: there is no codex on the PATH and no folder ${codexHome}; install it (npm i -g @openai/codex), or set CODEX_HOME`,
    );
  }

  const models = options.observeOnly ? undefined : await schedulerModels(options.schedulerUrl, options.key);
  const isLoggedIn = (await stat(join(codexHome, "auth.json")).catch(() => undefined)) !== undefined;
  let desired: ReturnType<typeof wantedConfig> = { wanted: [], notes: [] };
  const plan = await planRegister(file, (base) => {
    desired = wantedConfig(base, options, models, isLoggedIn);
    return desired.wanted;
  });
  if (!dryRun) await writeRegistration(file, plan);
  return {
    ...registerReport({ agent: "codex", file, dryRun }, plan),
    steps: desired.wanted.map(
      ({ name, path }): RegisterStep => ({
        name,
        state: stepState(plan, name, dryRun),
        detail: `${path.join(".")} in ${file.config}`,
      }),
    ),
    notes: [...desired.notes, ...found, ...(plan.changed ? ["Sessions that run go on as they were; the next codex takes this up"] : [])],
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
  if (plan !== undefined && !dryRun) await writeUnregistration(file, plan);
  return unregisterReport({ agent: "codex", file, dryRun }, plan, `Codex at ${codexHome} is not registered`);
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
