/** Embeddings by the pool's model, in a context of their own that is made when the first is asked for. */

import type { LlamaEmbeddingContext, LlamaModel, Token } from "node-llama-cpp";
import { ContextLengthError } from "./engine-errors.ts";
import type { WorkerOptions } from "./protocol.ts";

export interface Embeddings {
  vectors: (readonly number[])[];
  promptTokens: number;
}

export function createEmbedder(
  model: LlamaModel,
  { pool, contextTokens, threads }: Pick<WorkerOptions, "pool" | "contextTokens" | "threads">,
): (inputs: readonly (string | number[])[], signal: AbortSignal) => Promise<Embeddings> {
  const contextSize = Math.min(contextTokens, model.trainContextSize);
  let context: Promise<LlamaEmbeddingContext> | undefined;

  return async (inputs, signal) => {
    context ??= model.createEmbeddingContext({ contextSize, ...(threads !== undefined && { threads }) });
    const embedder = await context;
    const tokens = inputs.map((input) => (typeof input === "string" ? model.tokenize(input) : (input as Token[])));
    for (const [index, { length }] of tokens.entries()) {
      // The context adds a token at the beginning and one at the end.
      if (length + 2 <= contextSize) continue;
      throw new ContextLengthError(`input ${index} is ${length} tokens, pool ${pool} has a context of ${contextSize}`);
    }
    const vectors: (readonly number[])[] = [];
    let promptTokens = 0;
    for (const input of tokens) {
      signal.throwIfAborted();
      promptTokens += embedder.calculateInputLength(input);
      vectors.push((await embedder.getEmbeddingFor(input)).vector);
    }
    return { vectors, promptTokens };
  };
}
