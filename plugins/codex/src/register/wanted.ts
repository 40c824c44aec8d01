import { RequestHeader } from "@signalbox/otel/conventions";
import type { Wanted } from "@signalbox/otel/register";
import { parse } from "smol-toml";
import { EXPORTER_VARIABLES } from "./exporter-variables.ts";
import { get } from "./toml-format.ts";
import type { RegisterOptions } from "./types.ts";

/** The provider's id in Codex's config; also the `environment` of its telemetry that says: routed. */
const PROVIDER = "signalbox";
const KEY_VARIABLE = "SIGNALBOX_KEY";

/** What Codex's config must say, given what it says; and what the user should know. Throws where `source` does not parse. */
export function wantedConfig(
  source: string,
  options: RegisterOptions,
  models: readonly string[] | undefined,
  isLoggedIn: boolean,
): { wanted: Wanted[]; notes: string[] } {
  const config = parse(source);
  const { observeOnly = false, otlpEndpoint, schedulerUrl, key } = options;
  const notes: string[] = [];
  const wanted: Wanted[] = [];
  const want = (name: string, path: string, value: unknown) => wanted.push({ kind: "set", name, path: path.split("."), value });

  if (!observeOnly) {
    want("provider", `model_providers.${PROVIDER}`, provider(schedulerUrl, isLoggedIn));
    want("model provider", "model_provider", PROVIDER);
    const model = get(config, ["model"]);
    const known = models ?? [];
    if (typeof model !== "string" || !known.includes(model)) {
      const served = known.includes("auto") ? "auto" : (known[0] ?? "auto");
      want("model", "model", served);
      notes.push(
        models === undefined
          ? `${new URL(schedulerUrl).origin} does not answer, so nobody knows its models: the model is ${served}`
          : `the model is ${served}: ${typeof model === "string" ? `the scheduler has no ${model}` : "the config named none"}`,
      );
    }
    if (key !== undefined) notes.push(`Codex reads the key from ${KEY_VARIABLE} in its environment: set it where codex is started`);
    for (const [name, profile] of Object.entries((get(config, ["profiles"]) ?? {}) as Record<string, unknown>)) {
      const own = get({ profile }, ["profile", "model_provider"]);
      if (own !== undefined && own !== PROVIDER) notes.push(`profile ${name} has a model provider of its own and is not rerouted`);
    }
    // decidable from each record alone: the resource of all that Codex exports has it
    want("routed mark", "otel.environment", PROVIDER);
  }
  for (const [setting, signal] of [
    ["exporter", "logs"],
    ["trace_exporter", "traces"],
  ] as const) {
    const before = get(config, ["otel", setting]);
    if (before !== undefined && before !== "none")
      notes.push(`otel.${setting} had a value: while registered, Codex sends there no longer (fan_out can)`);
    want(`telemetry, ${signal}`, `otel.${setting}`, exporter(otlpEndpoint, signal, key));
  }
  if (isLoopback(otlpEndpoint)) want("prompts", "otel.log_user_prompt", true);
  // what is for Codex's exporters is not for the programs that it runs
  const excluded = get(config, ["shell_environment_policy", "exclude"]) ?? [];
  if (Array.isArray(excluded))
    want("commands' variables", "shell_environment_policy.exclude", [
      ...new Set([...excluded, ...EXPORTER_VARIABLES.map(({ variable }) => variable)]),
    ]);
  return { wanted, notes };
}

/** What the `.env` beside Codex's config must say. */
export const wantedVariables = (): Wanted[] =>
  EXPORTER_VARIABLES.map(({ variable, value, name }) => ({ kind: "set", name, path: [variable], value }));

/**
 * Codex's own login is for the vendor. With `requires_openai_auth` it comes along, and the second header says that it is not for the
 * scheduler, which hands it to pools of `credentials: caller` only.
 */
function provider(schedulerUrl: string, isLoggedIn: boolean) {
  return {
    name: "Signalbox",
    base_url: `${new URL(schedulerUrl).origin}/v1`,
    wire_api: "responses",
    env_http_headers: { [RequestHeader.key]: KEY_VARIABLE },
    ...(isLoggedIn && { requires_openai_auth: true, http_headers: { [RequestHeader.credentials]: "caller" } }),
  };
}

/** Codex takes headers of its exporters literally: there is no way to name a variable. */
const exporter = (endpoint: string, signal: string, key: string | undefined) => ({
  "otlp-http": {
    endpoint: `${new URL(endpoint).origin}/v1/${signal}`,
    protocol: "binary",
    ...(key === undefined ? {} : { headers: { [RequestHeader.key]: key } }),
  },
});

const isLoopback = (url: string) => /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(url).hostname);
