import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  type ConfigFormat,
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
  requireWritable,
  schedulerModels,
  stepState,
  unregisterReport,
  writeRegistration,
  writeUnregistration,
} from "@signalbox/otel/register";
import { AppServerError } from "./app-server.ts";
import { appServerEditor } from "./register/app-server-editor.ts";
import { dotenvFormat } from "./register/dotenv-format.ts";
import { editToml } from "./register/edit-toml.ts";
import { type TomlEditor, tomlFormat } from "./register/toml-format.ts";
import type { RegisterOptions, UnregisterOptions } from "./register/types.ts";
import { wantedConfig, wantedVariables } from "./register/wanted.ts";

export { RegisterError, type RegisterReport, type RegisterStep } from "@signalbox/otel/register";
export type { RegisterOptions, UnregisterOptions } from "./register/types.ts";

/** Codex's config, headers and telemetry are as captured from this version (tests/fixtures/codex). */
const CODEX = { agent: "Codex", oldest: [0, 169, 0] };
const NOT_A_CONFIG = "nothing was changed; fix the file (codex doctor) and run this again";

/**
 * Points Codex at Signalbox in its `config.toml`: the scheduler as a model provider, and the exporters of its own telemetry. Codex's
 * own app-server makes the edit where there is a `codex`, which keeps comments and order; else we do, line by line. How the exporters
 * send goes into the `.env` beside it. Idempotent.
 *
 * Throws {@link RegisterError} where it must not go on: no Codex, too old, a config that does not parse, a read-only file. Both files
 * are then as they were.
 */
export async function registerCodex(options: RegisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  requireUrl("schedulerUrl", options.schedulerUrl);
  requireUrl("otlpEndpoint", options.otlpEndpoint);
  const { codexHome, file, variables, notes: found } = await locate(options);
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
  const paces = wantedVariables();
  const planned = [
    { file, plan, wanted: desired.wanted },
    { file: variables, plan: await planRegister(variables, () => paces), wanted: paces },
  ];
  if (!dryRun) {
    for (const { file, plan } of planned) if (plan.changed) await requireWritable(file.config);
    for (const { file, plan } of planned) await writeRegistration(file, plan);
  }
  return joined(
    planned.map(({ file, plan, wanted }) => ({
      ...registerReport({ agent: "codex", file, dryRun }, plan),
      steps: wanted.map(
        ({ name, path }): RegisterStep => ({
          name,
          state: stepState(plan, name, dryRun),
          detail: `${path.join(".")} in ${basename(file.config)}`,
        }),
      ),
      notes: [],
    })),
    [
      ...desired.notes,
      ...found,
      ...(planned.some(({ plan }) => plan.changed) ? ["Sessions that run go on as they were; the next codex takes this up"] : []),
    ],
  );
}

/**
 * Undoes `registerCodex`: the files' bytes are as they were before. Where someone has edited one since, only values that are
 * still what was written are taken out, and the edits stay. Idempotent. Throws {@link RegisterError} as `registerCodex` does.
 */
export async function unregisterCodex(options: UnregisterOptions): Promise<RegisterReport> {
  const { dryRun = false } = options;
  const { codexHome, file, variables } = await locate(options);
  const none = `Codex at ${codexHome} is not registered`;
  const planned = [];
  for (const one of [file, variables]) {
    const plan = await planUnregister(one);
    if (plan !== undefined) planned.push({ file: one, plan });
  }
  if (planned.length === 0) return unregisterReport({ agent: "codex", file, dryRun }, undefined, none);
  const reports = planned.map(({ file, plan }) => unregisterReport({ agent: "codex", file, dryRun }, plan, none));
  if (!dryRun) {
    for (const { file, plan } of planned) if (plan.changed) await requireWritable(file.config);
    for (const { file, plan } of planned) await writeUnregistration(file, plan);
  }
  return joined(
    reports,
    reports.flatMap(({ notes }) => notes),
  );
}

/** One report of several files: the first one's, with the others' steps, and their diffs each below its path. */
function joined(reports: readonly RegisterReport[], notes: string[]): RegisterReport {
  const [first, ...others] = reports as [RegisterReport, ...RegisterReport[]];
  return {
    ...first,
    changed: reports.some(({ changed }) => changed),
    steps: reports.flatMap(({ steps }) => steps),
    diff: [first.diff, ...others.flatMap(({ configPath, diff }) => (diff === "" ? [] : [configPath, diff]))]
      .filter((text) => text !== "")
      .join("\n"),
    notes,
  };
}

async function locate(
  options: UnregisterOptions,
): Promise<{ codexHome: string; file: RegisteredFile; variables: RegisteredFile; notes: string[] }> {
  const codexHome = resolve(options.codexHome ?? join(options.home, ".codex"));
  const notes: string[] = [];
  const format = tomlFormat(editorFor(options.codexBin, notes));
  const named = (name: string, format: ConfigFormat) =>
    registeredFile("codex", join(codexHome, name), options.stateDir, NOT_A_CONFIG, format);
  return { codexHome, notes, file: await named("config.toml", format), variables: await named(".env", dotenvFormat) };
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
