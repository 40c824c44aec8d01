/** Bounds of the reply cache, and where vectors for semantic matching come from. */

import { z } from "zod";
import { count, milliseconds, name } from "./values.ts";

export const cacheSchema = z.strictObject({
  max_bytes: count.default(64 << 20).describe("Of all kept replies."),
  max_entries: count.max(1_000_000).default(10_000).describe("Kept replies; the one that was not asked for longest goes first."),
  max_entry_bytes: count.default(1 << 20).describe("Larger replies are not kept."),
});

const embeddings = z.union([
  z.strictObject({ pool: name, model: name }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Base URL of an OpenAI-compatible server, up to `/v1`."),
    model: name,
    api_key_env: name.optional(),
  }),
]);

export const semanticSchema = z.strictObject({
  embeddings: embeddings.describe("The model that makes vectors: of a pool, or at an address."),
  timeout_ms: milliseconds.default(200).describe("Beyond it a request goes on without its vector, and the decision says so."),
  max_characters: count.max(100_000).default(2_000).describe("Of the last user message: its end is what is embedded."),
  cache_entries: count.max(100_000).default(10_000).describe("Vectors kept in memory, by a digest of their text."),
});

export type SemanticConfig = z.infer<typeof semanticSchema>;
export type CacheConfig = z.infer<typeof cacheSchema>;
