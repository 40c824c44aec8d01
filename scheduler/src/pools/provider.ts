/** Who serves a pool: what its prices are listed under, and what its spans say. */

import type { PoolConfig } from "../config/schema.ts";

/** The well-known values of `gen_ai.provider.name` by host; others are named by their host. */
const PROVIDERS: Readonly<Record<string, string>> = {
  "api.anthropic.com": "anthropic",
  "api.openai.com": "openai",
  "api.deepseek.com": "deepseek",
  "generativelanguage.googleapis.com": "gcp.gemini",
  "api.mistral.ai": "mistral_ai",
  "api.groq.com": "groq",
  "api.x.ai": "x_ai",
  "openrouter.ai": "openrouter",
};

export function providerOf(config: PoolConfig): string {
  if (config.engine === "llama-cpp") return "llama.cpp";
  const { hostname } = new URL(config.base_url);
  return config.provider ?? PROVIDERS[hostname] ?? hostname;
}

/** OpenAI's newer models refuse max_tokens; many other servers know nothing else. */
export const maxTokensFieldOf = (provider: string) => (provider === "openai" ? "max_completion_tokens" : "max_tokens");
