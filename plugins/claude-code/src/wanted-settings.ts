import { Attribute, CALLS_FROM_LOGS, RequestHeader } from "@signalbox/otel/conventions";
import { type CommonRegisterOptions, getValue, RegisterError, type Wanted } from "@signalbox/otel/register";
import { instructionsHook, PLUGIN_NAME } from "./plugin-files.ts";
import { wantedModels } from "./wanted-models.ts";

export interface WantedSettings {
  wanted: Wanted[];
  notes: string[];
}

const PLUGIN_ID = `${PLUGIN_NAME}@${PLUGIN_NAME}`;
/** Where settings name a model. */
const CHOSEN = [
  "ANTHROPIC_MODEL",
  "ANTHROPIC_DEFAULT_OPUS_MODEL",
  "ANTHROPIC_DEFAULT_SONNET_MODEL",
  "ANTHROPIC_DEFAULT_HAIKU_MODEL",
  "CLAUDE_CODE_SUBAGENT_MODEL",
];

/**
 * What Claude Code's settings must say, given what they say. `models` are those that the scheduler serves, undefined where it did not
 * answer; `hooks` whether the user lets Claude Code run ours. Throws RegisterError on a contradiction.
 */
export function wantedSettings(
  source: string,
  options: CommonRegisterOptions,
  { pluginDir, models, hooks }: { pluginDir: string; models: readonly string[] | undefined; hooks: boolean },
): WantedSettings {
  requireJson(source);
  const notes: string[] = [];
  const present = (name: string): string | undefined => {
    const value = getValue(source, ["env", name]);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const routed = options.observeOnly !== true;
  const model = getValue(source, ["model"]);
  const chosen = {
    model: typeof model === "string" ? model : undefined,
    ...Object.fromEntries(CHOSEN.map((name) => [name, present(name)])),
  };
  const own = routed ? wantedModels(models, chosen) : { env: {}, notes: [] };
  notes.push(...own.notes);
  const wanted: Wanted[] = Object.entries({
    ...telemetry(options, present, routed),
    ...(routed ? { ...routing(options, present), ...own.env } : {}),
    ...(options.key === undefined ? {} : { SIGNALBOX_KEY: options.key }),
  }).map(([name, value]) => ({ kind: "set", name, path: ["env", name], value }));

  if (hooks) {
    const marketplace = { source: { source: "directory", path: pluginDir } };
    wanted.push(
      { kind: "set", name: "plugin folder", path: ["extraKnownMarketplaces", PLUGIN_NAME], value: marketplace },
      { kind: "set", name: "plugin", path: ["enabledPlugins", PLUGIN_ID], value: true },
      { kind: "append", name: "memory hook", path: ["hooks", "InstructionsLoaded"], value: instructionsHook(options.schedulerUrl) },
    );
    if (getValue(source, ["disableAllHooks"]) === true)
      notes.push("disableAllHooks is true: a stop then holds at the gateway only, and hooks tell nothing");
  } else
    notes.push("Without hooks a stop holds at the gateway only; memory files, and which tool call spawned which sub-agent, are not seen");

  for (const name of ["OTEL_EXPORTER_OTLP_ENDPOINT", ...(routed ? ["ANTHROPIC_BASE_URL"] : [])]) {
    const before = present(name);
    const now = name === "ANTHROPIC_BASE_URL" ? options.schedulerUrl : options.otlpEndpoint;
    if (before === undefined || sameOrigin(before, now)) continue;
    const instead = name === "ANTHROPIC_BASE_URL" ? "a pool with this base_url keeps it in use" : "a fan_out destination keeps it served";
    notes.push(`${name} was ${before}: ${instead}; unregister brings it back`);
  }
  for (const name of ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"])
    if (present(name) !== undefined) throw new RegisterError(`env.${name} sends spans elsewhere; take it out and run this again`);
  return { wanted, notes };
}

/** Spans, logs and who they are for. Prompts and tool inputs stay on this machine unless a destination asks for them. */
function telemetry(options: CommonRegisterOptions, present: (name: string) => string | undefined, routed: boolean) {
  const mark = routed ? `${Attribute.routed}=true` : `${Attribute.callsFrom}=${CALLS_FROM_LOGS}`;
  return {
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL(options.otlpEndpoint).origin,
    OTEL_LOG_USER_PROMPTS: "1",
    OTEL_LOG_TOOL_DETAILS: "1",
    OTEL_RESOURCE_ATTRIBUTES: joined(present("OTEL_RESOURCE_ATTRIBUTES"), ",", mark),
    // Claude Code sends header values as they stand, not decoded: `Bearer%20…` would stay that.
    ...(options.key === undefined
      ? {}
      : { OTEL_EXPORTER_OTLP_HEADERS: joined(present("OTEL_EXPORTER_OTLP_HEADERS"), ",", `${RequestHeader.key}=${options.key}`) }),
  };
}

function routing(options: CommonRegisterOptions, present: (name: string) => string | undefined) {
  const headers = [`${RequestHeader.credentials}: caller`];
  if (options.key !== undefined) headers.push(`${RequestHeader.key}: ${options.key}`);
  return {
    ANTHROPIC_BASE_URL: new URL(options.schedulerUrl).origin,
    ANTHROPIC_CUSTOM_HEADERS: joined(present("ANTHROPIC_CUSTOM_HEADERS"), "\n", headers.join("\n")),
    CLAUDE_CODE_PROPAGATE_TRACEPARENT: "1",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
  };
}

/** @throws RegisterError: Claude Code ignores settings with comments or trailing commas as a whole, and without a word */
function requireJson(source: string): void {
  try {
    JSON.parse(source.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new RegisterError(
      `Claude Code cannot read these settings: ${(error as Error).message} (comments and trailing commas are not for it)`,
    );
  }
}

const joined = (before: string | undefined, separator: string, ours: string) => (before === undefined ? ours : before + separator + ours);
const sameOrigin = (one: string, other: string) => URL.canParse(one) && new URL(one).origin === new URL(other).origin;
