/** node-llama-cpp as "a prompt in, text pieces out", with several sequences evaluated in one batch. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type ChatHistoryItem,
  getLlama,
  type LlamaContextSequence,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  resolveChatWrapper,
  type Token,
  TokenBias,
} from "node-llama-cpp";
import { createEmbedder, type Embeddings } from "./embedder.ts";
import { ContextLengthError, GrammarError } from "./engine-errors.ts";
import { type KvStore, openKvStore } from "./kv-store.ts";
import { modelIdentity } from "./model-identity.ts";
import type { TierMove, WorkerOptions } from "./protocol.ts";
import { createSequences, type Sequences } from "./sequences.ts";
import { createTextStream } from "./text-stream.ts";
import { CALL_BEGIN, describeTools, readCalls, type ToolCall, type ToolUse } from "./tools.ts";

export interface Generation {
  messages: ChatHistoryItem[];
  /** Already within the pool's ceiling. */
  maxTokens: number;
  temperature: number;
  topP?: number;
  seed?: number;
  stop: string[];
  /** The whole reply obeys it. */
  grammar?: string;
  tools?: ToolUse;
}

/** Whom a generation is for, besides its client. */
export interface GenerationOrigin {
  /** Its state is kept for this session's next call. */
  session?: string;
  traceparent?: string;
}

export interface GenerationResult {
  finishReason: "stop" | "length" | "tool_calls";
  /** Includes `cachedTokens`. */
  promptTokens: number;
  /** Prompt tokens found in the sequence's KV state. */
  cachedTokens: number;
  completionTokens: number;
  toolCalls: ToolCall[];
}

export interface Engine {
  readonly identity: string;
  readonly sequences: Sequences;
  readonly store: KvStore;
  /** State that changed its tier, oldest first: the newest 256. */
  readonly moves: readonly TierMove[];
  /**
   * Waits for a free sequence, then calls `onText` with each piece as it is generated.
   * @throws ContextLengthError, GrammarError; the signal's reason when aborted: the sequence is free again within one batch
   */
  generate(
    generation: Generation,
    signal: AbortSignal,
    onText: (text: string) => void,
    origin?: GenerationOrigin,
  ): Promise<GenerationResult>;
  /** One vector per input. @throws ContextLengthError */
  embed(inputs: readonly (string | number[])[], signal: AbortSignal): Promise<Embeddings>;
  dispose(): Promise<void>;
}

const MAX_MOVES = 256;
/** Tokens that close a JSON value; the demo model's weights put them 20 nats below its words, and its turns end at 3.6 above. */
const CLOSING = ['"', "]", "}"];
const DEMO_CLOSING_BIAS = 25;

export async function createEngine(options: WorkerOptions): Promise<Engine> {
  const identity = await modelIdentity(options);
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
  const embed = createEmbedder(model, options);
  const moves: TierMove[] = [];
  let moveCount = 0;
  const noteMove = (move: Omit<TierMove, "id">) => {
    moves.push({ id: ++moveCount, ...move });
    if (moves.length > MAX_MOVES) moves.shift();
  };
  const store = await openKvStore({
    ...options.kv,
    identity,
    onDemote: ({ key, tokens, bytes }, ms) =>
      noteMove({ key, from: "ram", to: "file", tokens, bytes, startedAt: Date.now() - ms, ms, traceparent: undefined }),
  });
  const all = Array.from({ length: options.slots }, () => context.getSequence());
  const sequences = createSequences(all, store, noteMove);
  const closing = options.demo ? demoBias() : undefined;

  function demoBias(): TokenBias {
    const bias = new TokenBias(model.tokenizer);
    for (const text of CLOSING) bias.set(model.tokenize(text, false, "trimLeadingSpace"), { logit: DEMO_CLOSING_BIAS });
    return bias;
  }

  async function compile(grammar: string): Promise<LlamaGrammar> {
    try {
      return await llama.createGrammar({ grammar });
    } catch (error) {
      throw new GrammarError(`llama.cpp does not take this schema's grammar: ${(error as Error).message}`);
    }
  }

  interface Phase {
    sequence: LlamaContextSequence;
    tokens: Token[];
    generation: Generation;
    maxTokens: number;
    grammar: LlamaGrammar | undefined;
    stop: readonly string[];
    signal: AbortSignal;
    onText: (text: string) => void;
  }
  interface PhaseResult {
    cachedTokens: number;
    count: number;
    /** The reply was cut off. */
    full: boolean;
    stoppedBy: string | undefined;
  }

  /** Evaluates what the sequence does not hold yet, a batch at a time, so that an abort need not wait for a long prompt. */
  async function run({ sequence, tokens, generation, maxTokens, grammar, stop, signal, onText }: Phase): Promise<PhaseResult> {
    signal.throwIfAborted();
    // All but the last token may come from the KV state: the last is evaluated to get the first logits.
    await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    // Not the token meter's count: it takes the last prompt token, whose logits are sampled, for output.
    const cachedTokens = sequence.nextTokenIndex;
    let evaluated = cachedTokens;
    while (tokens.length - evaluated > context.batchSize) {
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(evaluated, evaluated + context.batchSize));
      evaluated += context.batchSize;
      signal.throwIfAborted();
    }
    const text = createTextStream(model, stop, onText);
    let dueAt = performance.now();
    let count = 0;
    let full = false;
    let stoppedBy: string | undefined;
    const { temperature, topP, seed } = generation;
    const stream = sequence.evaluate(tokens.slice(evaluated), {
      temperature,
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
      ...(grammar && { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) }),
      ...(grammar && closing && { tokenBias: closing }),
    });
    for await (const token of stream) {
      signal.throwIfAborted();
      count += 1;
      if (options.demoPaceMs) {
        // What a stalled machine is behind by more than a token is not caught up: that would be a faster pool than the one it stands for.
        dueAt = Math.max(dueAt, performance.now() - options.demoPaceMs) + options.demoPaceMs;
        await sleep(Math.max(0, dueAt - performance.now()));
      }
      stoppedBy = text.push(token);
      if (stoppedBy !== undefined) break;
      full = count >= maxTokens;
      if (full) break;
    }
    signal.throwIfAborted();
    text.end();
    return { cachedTokens, count, full, stoppedBy };
  }

  /** Text up to a call, if the model makes one; the call itself is ruled by the grammar. */
  async function runWithTools(phase: Phase, use: ToolUse): Promise<GenerationResult> {
    const { tokens, generation, onText } = phase;
    let said = "";
    let free: PhaseResult | undefined;
    if (!use.required) {
      const say = (text: string) => {
        said += text;
        onText(text);
      };
      free = await run({ ...phase, stop: [...generation.stop, CALL_BEGIN], onText: say });
      const { cachedTokens, count } = free;
      const whole = { promptTokens: tokens.length, cachedTokens, completionTokens: count, toolCalls: [] };
      if (free.stoppedBy !== CALL_BEGIN) return { ...whole, finishReason: free.full ? "length" : "stop" };
    }
    const opened = [...tokens, ...model.tokenize(`${said}${CALL_BEGIN}\n`, false)];
    const left = Math.min(phase.maxTokens - (free?.count ?? 0), options.contextTokens - opened.length);
    let text = "";
    const grammar = await compile(use.grammar);
    const take = (piece: string) => {
      text += piece;
    };
    const call = left < 1 ? undefined : await run({ ...phase, tokens: opened, maxTokens: left, grammar, stop: [], onText: take });
    const toolCalls = readCalls(text);
    const cut = call === undefined || call.full;
    return {
      finishReason: cut ? "length" : "tool_calls",
      promptTokens: free ? tokens.length : opened.length,
      cachedTokens: free?.cachedTokens ?? call?.cachedTokens ?? 0,
      completionTokens: (free?.count ?? 0) + (call?.count ?? 0),
      toolCalls,
    };
  }

  return {
    identity,
    sequences,
    store,
    moves,
    embed,
    async generate(generation, signal, onText, { session, traceparent } = {}) {
      const messages = generation.tools ? withTools(generation.messages, generation.tools) : generation.messages;
      const history: ChatHistoryItem[] = [...messages, { type: "model", response: [] }];
      const tokens = chatWrapper.generateContextState({ chatHistory: history }).contextText.tokenize(model.tokenizer);
      const room = options.contextTokens - tokens.length;
      if (room < 1) {
        throw new ContextLengthError(
          `the prompt is ${tokens.length} tokens, pool ${options.pool} has a context of ${options.contextTokens}`,
        );
      }
      const grammar = generation.grammar === undefined ? undefined : await compile(generation.grammar);
      const lease = await sequences.lease(tokens, session, signal, traceparent);
      try {
        const maxTokens = Math.min(generation.maxTokens, room);
        const { sequence } = lease;
        const phase = { sequence, tokens, generation, maxTokens, grammar, stop: generation.stop, signal, onText };
        if (generation.tools) return await runWithTools(phase, generation.tools);
        const { cachedTokens, count, full } = await run(phase);
        return {
          finishReason: full ? "length" : "stop",
          promptTokens: tokens.length,
          cachedTokens,
          completionTokens: count,
          toolCalls: [],
        };
      } finally {
        lease.release();
      }
    },
    dispose: () => llama.dispose(),
  };
}

/** The tools stand at the end of the first system message, where there is one. */
function withTools(messages: readonly ChatHistoryItem[], { tools }: ToolUse): ChatHistoryItem[] {
  const text = describeTools(tools);
  const [first, ...rest] = messages;
  if (first?.type === "system") return [{ type: "system", text: `${String(first.text)}\n\n${text}` }, ...rest];
  return [{ type: "system", text }, ...messages];
}
