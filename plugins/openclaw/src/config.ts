import { DefaultPort } from "@signalbox/otel/conventions";
import { object, text } from "./host-values.ts";

/** `plugins.entries.signalbox.config` of OpenClaw's config; `openclaw.plugin.json` has its schema. */
export interface PluginConfig {
  /** The collector's origin. */
  otlpEndpoint: string;
  /** The scheduler's origin: only requests to it get headers. */
  schedulerUrl: string;
  /** Provider ids of OpenClaw's config that are the scheduler. */
  providers: string[];
  /** Take prompts, answers, tool arguments and results along, redacted. */
  content: boolean;
  /** Sent to the collector as `x-signalbox-key`; unset on a local install that needs none. */
  key: string | undefined;
  /** The file with the admin token, by which the gateway follows what is to be stopped; unset: only the scheduler stops calls. */
  tokenFile: string | undefined;
}

/** Never fails: what is missing or of another type is the default of a local install. */
export function readConfig(value: unknown): PluginConfig {
  const given = object(value);
  const providers = Array.isArray(given.providers) ? given.providers.filter((id): id is string => typeof id === "string") : ["signalbox"];
  return {
    otlpEndpoint: httpUrl(given.otlpEndpoint) ?? `http://127.0.0.1:${DefaultPort.otlpHttp}`,
    schedulerUrl: httpUrl(given.schedulerUrl) ?? `http://127.0.0.1:${DefaultPort.scheduler}`,
    providers,
    content: given.content === true,
    key: text(given.key),
    tokenFile: text(given.tokenFile),
  };
}

function httpUrl(value: unknown): string | undefined {
  const url = text(value);
  return url !== undefined && URL.canParse(url) && /^https?:/.test(url) ? url : undefined;
}
