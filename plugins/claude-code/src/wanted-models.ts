/** Claude Code's own names of models: the default of an account, `/model` and sub-agents are one of them. */
const FAMILIES = ["opus", "sonnet", "haiku"] as const;
type Family = (typeof FAMILIES)[number];
const variableOf = (family: Family) => `ANTHROPIC_DEFAULT_${family.toUpperCase()}_MODEL`;
/** Whatever model Claude Code would ask for by one of its own names. */
const MODEL_VARIABLES = ["ANTHROPIC_MODEL", ...FAMILIES.map(variableOf), "CLAUDE_CODE_SUBAGENT_MODEL"];
/** Claude Code does not start without some credentials. These authenticate nobody: the credentials header says they are not ours. */
const NO_ACCOUNT = "no-account-needed";

interface WantedModels {
  env: Record<string, string>;
  notes: string[];
}

/**
 * What Claude Code's environment must say of models, so that it asks for none that the scheduler does not serve: by itself it asks for the
 * newest of a family that its own version knows.
 *
 * @param models that the scheduler serves; undefined where it did not answer
 * @param chosen what the settings name already, by where they do
 */
export function wantedModels(models: readonly string[] | undefined, chosen: Readonly<Record<string, string | undefined>>): WantedModels {
  if (models === undefined) {
    const notes = [
      "The scheduler does not answer, so nobody knows its models: Claude Code asks for those it knows (register again once it runs)",
    ];
    return { env: {}, notes };
  }
  const claude = models.filter((id) => id.startsWith("claude"));
  if (claude.length === 0) {
    const model = models.includes("auto") ? "auto" : models[0];
    if (model === undefined) return { env: {}, notes: [] };
    // it would refuse each name that Claude Code knows; and it needs no account with Anthropic
    return { env: { ANTHROPIC_AUTH_TOKEN: NO_ACCOUNT, ...Object.fromEntries(MODEL_VARIABLES.map((name) => [name, model])) }, notes: [] };
  }
  const notes: string[] = [];
  const env: Record<string, string> = {};
  for (const family of FAMILIES) {
    const variable = variableOf(family);
    const served = newest(claude.filter((id) => id.includes(family)));
    if (models.includes(chosen[variable] ?? "")) continue;
    env[variable] = served ?? standIn(family, claude);
    if (served === undefined)
      notes.push(`the scheduler serves no Claude ${family}: where Claude Code asks for it, it gets ${env[variable]}`);
  }
  for (const [where, model] of Object.entries(chosen)) {
    if (where in env || model === undefined || isOwnName(model) || models.includes(model.replace(LONG_CONTEXT, ""))) continue;
    notes.push(
      `${where} is ${model}, which the scheduler does not serve: its calls will be refused until it is one of ${models.join(", ")}`,
    );
  }
  return { env, notes };
}

/** The nearest that is served, the better one first. */
function standIn(family: Family, claude: readonly string[]): string {
  const others =
    family === "haiku"
      ? (["sonnet", "opus"] as const)
      : family === "sonnet"
        ? (["opus", "haiku"] as const)
        : (["sonnet", "haiku"] as const);
  const found = others.map((other) => newest(claude.filter((id) => id.includes(other)))).find((id) => id !== undefined);
  return found ?? newest(claude) ?? "";
}

/** By the numbers in the id, left to right: claude-sonnet-4-5 is newer than claude-sonnet-4-20250514, whose second is a date. */
function newest(ids: readonly string[]): string | undefined {
  const versionOf = (id: string) => (id.match(/\d+/g) ?? []).map(Number).filter((number) => number < 1_000);
  return ids.toSorted((one, other) => {
    const [a, b] = [versionOf(one), versionOf(other)];
    const at = a.findIndex((number, index) => number !== b[index]);
    if (at < 0) return b.length - a.length || other.localeCompare(one);
    return (b[at] ?? -1) - (a[at] ?? -1);
  })[0];
}

/** Claude Code's mark of a long context: it does not go out with the model's name. */
const LONG_CONTEXT = /\[1m\]$/;
/** `opus`, `sonnet[1m]`, `default`, `opusplan`: what it stands for is in the environment. */
const isOwnName = (model: string) => /^(?:default|best|opusplan|opus|sonnet|haiku)$/.test(model.replace(LONG_CONTEXT, ""));
