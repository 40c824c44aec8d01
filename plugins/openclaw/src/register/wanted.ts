import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { getValue, RegisterError, type Wanted } from "@signalbox/otel/register";
import type { RegisterOptions } from "./types.ts";

export const PLUGIN_ID = "signalbox";
const PROVIDER_ID = "signalbox";
export const PROVIDER_PATH = ["models", "providers", PROVIDER_ID];

/** What OpenClaw's config must say, given what it says; and what the user should know. Throws RegisterError on a contradiction. */
export function wantedConfig(
  source: string,
  options: RegisterOptions,
  pluginDir: string,
  models: readonly string[],
): { wanted: Wanted[]; notes: string[] } {
  const { observeOnly = false } = options;
  const notes: string[] = [];
  if (asList(getValue(source, ["plugins", "deny"])).includes(PLUGIN_ID)) {
    throw new RegisterError(`plugins.deny names ${PLUGIN_ID}; take it out of the list and run this again`);
  }
  if (getValue(source, ["plugins", "enabled"]) === false) notes.push("plugins.enabled is false: OpenClaw loads no plugin until it is true");

  const wanted: Wanted[] = [
    { kind: "append", name: "plugin folder", path: ["plugins", "load", "paths"], value: pluginDir },
    { kind: "set", name: "plugin enabled", path: ["plugins", "entries", PLUGIN_ID, "enabled"], value: true },
    { kind: "set", name: "plugin hooks", path: ["plugins", "entries", PLUGIN_ID, "hooks", "allowConversationAccess"], value: true },
    {
      kind: "set",
      name: "plugin settings",
      path: ["plugins", "entries", PLUGIN_ID, "config"],
      value: {
        otlpEndpoint: options.otlpEndpoint,
        schedulerUrl: options.schedulerUrl,
        providers: observeOnly ? [] : [PROVIDER_ID],
        ...(options.key === undefined ? {} : { key: options.key }),
        tokenFile: join(resolve(options.stateDir), "token"),
      },
    },
  ];
  // A list of allowed plugins names all of them.
  if (Array.isArray(getValue(source, ["plugins", "allow"]))) {
    wanted.push({ kind: "append", name: "allowed plugins", path: ["plugins", "allow"], value: PLUGIN_ID });
  }
  if (observeOnly) return { wanted, notes };

  wanted.push({ kind: "set", name: "provider", path: PROVIDER_PATH, value: provider(options, models) });
  const model = `${PROVIDER_ID}/${models[0] ?? "auto"}`;
  const current = getValue(source, ["agents", "defaults", "model"]);
  const isObject = current !== null && typeof current === "object";
  wanted.push({
    kind: "set",
    name: "default model",
    path: ["agents", "defaults", "model", ...(isObject ? ["primary"] : [])],
    value: model,
  });
  const catalog = getValue(source, ["agents", "defaults", "models"]);
  // Where it is there it is the list of models that may be chosen.
  if (catalog !== null && typeof catalog === "object" && !Array.isArray(catalog) && !Object.hasOwn(catalog, model)) {
    wanted.push({ kind: "set", name: "model catalog", path: ["agents", "defaults", "models", model], value: {} });
  }
  const allow = getValue(source, ["agents", "defaults", "modelPolicy", "allow"]);
  if (Array.isArray(allow) && !allow.includes(`${PROVIDER_ID}/*`)) {
    wanted.push({ kind: "append", name: "model policy", path: ["agents", "defaults", "modelPolicy", "allow"], value: model });
  }

  const fallbacks = isObject ? asList((current as { fallbacks?: unknown }).fallbacks) : [];
  if (fallbacks.length > 0)
    notes.push(
      `fallback models stay (${fallbacks.join(", ")}): when the scheduler fails, OpenClaw goes to them past it; where it refuses a call they are not asked`,
    );
  for (const agent of asList(getValue(source, ["agents", "list"]))) {
    const { id, model: own } = (agent ?? {}) as { id?: unknown; model?: unknown };
    if (own !== undefined && !isDeepStrictEqual(own, model)) notes.push(`agent ${String(id)} has a model of its own and is not rerouted`);
  }
  return { wanted, notes };
}

/** Without a key there is no `apiKey`: OpenClaw then sends no Authorization to a loopback provider, which a local install accepts. */
function provider(options: RegisterOptions, models: readonly string[]) {
  return {
    baseUrl: `${new URL(options.schedulerUrl).origin}/v1`,
    ...(options.key === undefined ? {} : { apiKey: options.key }),
    api: "openai-completions",
    models: models.map((id) => ({ id, name: `Signalbox ${id}`, contextWindow: 128_000, maxTokens: 8_192 })),
  };
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
