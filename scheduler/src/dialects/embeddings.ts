/** Embeddings: what routing needs of a request, and what an answer says of its usage. */

import { badRequest } from "../http/errors.ts";
import { type ChatRequest, length, mostBlobTokens, text } from "./chat-request.ts";
import type { ReplyFacts } from "./chat-usage.ts";
import { readFields } from "./request-fields.ts";
import { tokenCount } from "./token-count.ts";

/** @throws HttpError 400 naming the field */
export function scanEmbeddingsRequest(body: Buffer): ChatRequest {
  const { fields, model, read } = readFields(body);
  const input = fields.get("input");
  if (!input) throw badRequest("you must provide an input", "input");
  return {
    dialect: "openai-chat",
    operation: "embeddings",
    body,
    model,
    stream: false,
    maxTokens: 0,
    choices: 1,
    promptBytes: length(input),
    mostBlobTokens: mostBlobTokens(body, input, "input"),
    wantsUsage: true,
    promptCacheKey: undefined,
    user: text(read("user")),
    fields,
  };
}

/** All of an answer but its vectors, and whether there are any. */
export function readEmbeddings(body: Buffer): { hasVectors: boolean; facts: ReplyFacts } {
  let reply: { data?: unknown; model?: unknown; usage?: { prompt_tokens?: unknown } | null } | null = null;
  try {
    reply = JSON.parse(body.toString());
  } catch {
    // Not JSON: it holds none.
  }
  const input = tokenCount(reply?.usage?.prompt_tokens);
  const facts: ReplyFacts = {
    usage: input === undefined ? undefined : { input, output: 0, cacheRead: 0, reasoning: 0 },
    finishReason: undefined,
    id: undefined,
    model: text(reply?.model),
  };
  return { hasVectors: Array.isArray(reply?.data) && reply.data.length > 0, facts };
}
