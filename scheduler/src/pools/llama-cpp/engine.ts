/** node-llama-cpp as "a prompt in, text pieces out", with several sequences evaluated in one batch. */

import { setTimeout as sleep } from "node:timers/promises";
import { type ChatHistoryItem, getLlama, type LlamaContextSequence, LlamaLogLevel, resolveChatWrapper, type Token } from "node-llama-cpp";
import type { WorkerOptions } from "./protocol.ts";
import { createTextStream } from "./text-stream.ts";

export interface Generation {
  messages: ChatHistoryItem[];
  /** Already within the pool's ceiling. */
  maxTokens: number;
  temperature: number;
  topP?: number;
  seed?: number;
  stop: string[];
}

export interface GenerationResult {
  finishReason: "stop" | "length";
  /** Includes `cachedTokens`. */
  promptTokens: number;
  /** Prompt tokens found in the sequence's KV state. */
  cachedTokens: number;
  completionTokens: number;
}

/** The prompt and one token of reply do not fit the context. No retry on this pool can help. */
export class ContextLengthError extends Error {}

export interface Engine {
  /**
   * Waits for a free sequence, then calls `onText` with each piece as it is generated.
   * @throws ContextLengthError; the signal's reason when aborted.
   */
  generate(generation: Generation, signal: AbortSignal, onText: (text: string) => void): Promise<GenerationResult>;
  dispose(): Promise<void>;
}

export async function createEngine(options: WorkerOptions): Promise<Engine> {
  const llama = await getLlama({
    gpu: options.gpu,
    build: "never",
    skipDownload: true,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  const model = await llama.loadModel({ modelPath: options.modelPath });
  const context = await model.createContext({
    sequences: options.slots,
    contextSize: options.contextTokens,
    ...(options.threads !== undefined && { threads: options.threads }),
  });
  const chatWrapper = resolveChatWrapper(model);
  const free: LlamaContextSequence[] = Array.from({ length: options.slots }, () => context.getSequence());
  const waiting: ((sequence: LlamaContextSequence) => void)[] = [];

  /** The free sequence that holds the longest prefix of the prompt; among equals the one that was used longest ago. */
  async function acquire(tokens: Token[]): Promise<LlamaContextSequence> {
    let best: LlamaContextSequence | undefined;
    let longest = -1;
    for (const sequence of free) {
      const { firstDifferentIndex } = sequence.compareContextTokens(tokens);
      if (firstDifferentIndex > longest) [best, longest] = [sequence, firstDifferentIndex];
    }
    if (!best) return new Promise((resolve) => waiting.push(resolve));
    free.splice(free.indexOf(best), 1);
    return best;
  }

  function release(sequence: LlamaContextSequence): void {
    const next = waiting.shift();
    if (next) next(sequence);
    else free.push(sequence);
  }

  async function run(
    sequence: LlamaContextSequence,
    tokens: Token[],
    generation: Generation,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<GenerationResult> {
    signal.throwIfAborted();
    // All but the last token may come from the KV state: the last is evaluated to get the first logits.
    await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    // Not the token meter's count: it takes the last prompt token, whose logits are sampled, for output.
    const cachedTokens = sequence.nextTokenIndex;
    const text = createTextStream(model, generation.stop, onText);
    const startedAt = performance.now();
    let count = 0;
    let finishReason: GenerationResult["finishReason"] = "stop";
    const { temperature, topP, seed } = generation;
    const stream = sequence.evaluate(tokens.slice(cachedTokens), {
      temperature,
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
    });
    for await (const token of stream) {
      signal.throwIfAborted();
      count += 1;
      if (options.demoPaceMs) await sleep(Math.max(0, startedAt + count * options.demoPaceMs - performance.now()));
      if (text.push(token)) break;
      if (count >= generation.maxTokens) {
        finishReason = "length";
        break;
      }
    }
    signal.throwIfAborted();
    text.end();
    return { finishReason, promptTokens: tokens.length, cachedTokens, completionTokens: count };
  }

  return {
    async generate(generation, signal, onText) {
      const history: ChatHistoryItem[] = [...generation.messages, { type: "model", response: [] }];
      const tokens = chatWrapper.generateContextState({ chatHistory: history }).contextText.tokenize(model.tokenizer);
      const room = options.contextTokens - tokens.length;
      if (room < 1) {
        throw new ContextLengthError(
          `the prompt is ${tokens.length} tokens, pool ${options.pool} has a context of ${options.contextTokens}`,
        );
      }
      const sequence = await acquire(tokens);
      try {
        return await run(sequence, tokens, { ...generation, maxTokens: Math.min(generation.maxTokens, room) }, signal, onText);
      } finally {
        release(sequence);
      }
    },
    dispose: () => llama.dispose(),
  };
}
