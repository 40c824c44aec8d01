/**
 * Providers whose key is in the environment. The provider is asked for its list of models, which costs nothing: agents bring models'
 * names, and the pool serves those of that provider. A provider that does not answer is not used, and that is said.
 */

import { z } from "zod";
import type { Environment } from "../../config/references.ts";
import { ANTHROPIC_VERSION } from "../../dialects/messages-request.ts";
import type { Finding } from "./finding.ts";
import { readJson } from "./read-json.ts";

export interface CloudProvider {
  /** The pool's name. */
  name: string;
  /** The first that is set is taken. */
  variables: readonly string[];
  engine: "openai-compatible" | "anthropic";
  base_url: string;
  dialects?: readonly ("chat" | "responses")[];
}

const compatible = (name: string, variables: readonly string[], base_url: string): CloudProvider => ({
  name,
  variables,
  engine: "openai-compatible",
  base_url,
});

export const CLOUD_PROVIDERS: readonly CloudProvider[] = [
  { name: "anthropic", variables: ["ANTHROPIC_API_KEY"], engine: "anthropic", base_url: "https://api.anthropic.com" },
  { ...compatible("openai", ["OPENAI_API_KEY"], "https://api.openai.com/v1"), dialects: ["chat", "responses"] },
  compatible("deepseek", ["DEEPSEEK_API_KEY"], "https://api.deepseek.com/v1"),
  compatible("gemini", ["GEMINI_API_KEY", "GOOGLE_API_KEY"], "https://generativelanguage.googleapis.com/v1beta/openai"),
  compatible("openrouter", ["OPENROUTER_API_KEY"], "https://openrouter.ai/api/v1"),
  compatible("mistral", ["MISTRAL_API_KEY"], "https://api.mistral.ai/v1"),
  compatible("groq", ["GROQ_API_KEY"], "https://api.groq.com/openai/v1"),
  compatible("xai", ["XAI_API_KEY"], "https://api.x.ai/v1"),
];

const TIMEOUT_MS = 3_000;
const MAX_MODELS = 1_000;
const list = z.object({ data: z.array(z.object({ id: z.string().min(1).max(128) })) });

export async function lookForKeys(providers: readonly CloudProvider[], environment: Environment): Promise<Finding[]> {
  const found = await Promise.all(providers.map((provider) => ask(provider, environment)));
  return found.flat();
}

async function ask({ name, variables, engine, base_url, dialects }: CloudProvider, environment: Environment): Promise<Finding[]> {
  const variable = variables.find((one) => environment[one]);
  const key = variable && environment[variable];
  if (!variable || !key) return [];
  const headers: Record<string, string> =
    engine === "anthropic" ? { "x-api-key": key, "anthropic-version": ANTHROPIC_VERSION } : { authorization: `Bearer ${key}` };
  const url = engine === "anthropic" ? `${base_url}/v1/models?limit=${MAX_MODELS}` : `${base_url}/models`;
  const answer = list.safeParse(await readJson(url, { timeoutMs: TIMEOUT_MS, headers })).data;
  const { host } = new URL(base_url);
  const models = [...new Set((answer?.data ?? []).map(({ id }) => id.replace(/^models\//, "")))].slice(0, MAX_MODELS);
  if (models.length === 0) {
    return [{ pool: undefined, local: false, text: `${variable} is set, but ${host} did not list its models with it: not used` }];
  }
  const pool = {
    name,
    silicon: "cloud",
    engine,
    base_url,
    api_key_env: variable,
    slots: 32,
    ...(dialects && { dialects }),
    // What each of them can do is not known: the config says it, where tiers matter.
    models: models.map((id) => ({ id, tier: 2 })),
  };
  return [{ pool, local: false, text: `${host} by ${variable}: ${models.length} models, for requests that name one of them` }];
}
