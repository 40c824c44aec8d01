import { Attribute } from "../conventions.ts";
import { count, type Json, list, object, text } from "../history/values.ts";
import type { SpanRecord } from "../provider.ts";
import { MAX_CONTENT_CHARACTERS } from "./content.ts";
import { toolCall } from "./messages.ts";

/** What a call used and who answered, as the caller knows it. */
export interface ReplyFacts {
  /** The provider's id of the reply. */
  id?: string;
  /** The model that answered. */
  model?: string;
  finishReason?: string;
  /** All of the prompt, what was cached too. */
  inputTokens?: number;
  /** All of the answer, reasoning too. */
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  reasoningTokens?: number;
}

/**
 * Reads replies of OpenAI (chat completions, responses) and Anthropic (messages), whole or by their stream's chunks. Anything else
 * says nothing. OpenAI's input tokens include the cached ones and Anthropic's do not: here they always do.
 */
export class ReplyReader {
  #facts: ReplyFacts = {};
  /** As sent: Anthropic tells a part when a stream begins and the rest at its end. */
  #usage: Json = {};
  #provider: string | undefined;
  #text = "";
  #toolCalls: Json[] = [];

  see(value: unknown): void {
    // a client's own class may have getters that do something: a stream's `usage` may read it to its end
    if (!isPlain(value)) return;
    const reply = object(value);
    this.#provider ??= providerOf(reply);
    switch (reply.type) {
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        this.#whole(object(reply.response));
        break;
      case "response.output_text.delta":
        this.#say(reply.delta);
        break;
      case "message_start":
        this.#whole(object(reply.message));
        break;
      case "content_block_delta":
        this.#say(object(reply.delta).text);
        break;
      case "message_delta":
        this.#facts.finishReason = text(object(reply.delta).stop_reason) ?? this.#facts.finishReason;
        this.#use(reply.usage);
        break;
      default:
        this.#whole(reply);
    }
  }

  record(facts: ReplyFacts): void {
    this.#facts = { ...this.#facts, ...facts };
  }

  /** Whose form the reply has, which is what is known of who answered; undefined where it is neither's. */
  get provider(): string | undefined {
    return this.#provider;
  }

  attributes(): SpanRecord["attributes"] {
    const facts = { ...usageFacts(this.#usage), ...this.#facts };
    return {
      [Attribute.responseId]: facts.id,
      [Attribute.responseModel]: facts.model,
      [Attribute.finishReasons]: facts.finishReason === undefined ? undefined : [facts.finishReason],
      [Attribute.inputTokens]: facts.inputTokens,
      [Attribute.outputTokens]: facts.outputTokens,
      [Attribute.cacheReadTokens]: facts.cacheReadTokens,
      [Attribute.cacheWriteTokens]: facts.cacheWriteTokens,
      [Attribute.reasoningTokens]: facts.reasoningTokens,
    };
  }

  /** The answer as a message of the GenAI schema; undefined where there was none. Of a stream's tool calls nothing is kept. */
  message(): Json | undefined {
    const parts = [...(this.#text === "" ? [] : [{ type: "text", content: this.#text }]), ...this.#toolCalls];
    return parts.length === 0 ? undefined : { role: "assistant", parts };
  }

  #whole(reply: Json): void {
    this.#facts.id = text(reply.id) ?? this.#facts.id;
    this.#facts.model = text(reply.model) ?? this.#facts.model;
    const [choice] = list(reply.choices).map(object);
    const finishReason = text(choice?.finish_reason) ?? text(reply.stop_reason) ?? text(object(reply.incomplete_details).reason);
    this.#facts.finishReason = finishReason ?? this.#facts.finishReason;
    this.#use(reply.usage);
    if (choice !== undefined) {
      const message = object(choice.message ?? choice.delta);
      this.#say(message.content);
      if (choice.message !== undefined) {
        for (const call of list(message.tool_calls).map(object)) this.#asked(call.id, object(call.function));
      }
    }
    for (const block of list(reply.content).map(object)) {
      if (block.type === "text") this.#say(block.text);
      else if (block.type === "tool_use") this.#asked(block.id, block);
    }
    // a stream of deltas has said it already, and repeats it at its end
    const isSaid = this.#text !== "";
    for (const item of list(reply.output).map(object)) {
      if (item.type === "function_call") this.#asked(item.call_id, item);
      else if (!isSaid) for (const part of list(item.content)) this.#say(object(part).text);
    }
  }

  #use(usage: unknown): void {
    const told = Object.entries(object(usage)).filter(([, value]) => value !== null);
    this.#usage = { ...this.#usage, ...Object.fromEntries(told) };
  }

  #say(piece: unknown): void {
    if (typeof piece === "string" && this.#text.length < MAX_CONTENT_CHARACTERS) this.#text += piece;
  }

  #asked(id: unknown, call: Json): void {
    this.#toolCalls.push(toolCall(id, call));
  }
}

function providerOf(reply: Json): string | undefined {
  const kind = text(reply.type) ?? "";
  if (kind === "message" || /^(?:message|content_block)_/.test(kind)) return "anthropic";
  return Array.isArray(reply.choices) || reply.object === "response" || kind.startsWith("response.") ? "openai" : undefined;
}

const isPlain = (value: unknown): boolean =>
  typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

function usageFacts(usage: Json): ReplyFacts {
  const input = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  const details = object(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const outputDetails = object(usage.completion_tokens_details ?? usage.output_tokens_details);
  // Anthropic's names for what its input_tokens leave out
  const read = count(usage.cache_read_input_tokens);
  const written = count(usage.cache_creation_input_tokens);
  return {
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (written ?? 0),
    outputTokens: count(usage.completion_tokens) ?? count(usage.output_tokens),
    cacheReadTokens: read ?? count(details.cached_tokens),
    cacheWriteTokens: written ?? count(details.cache_write_tokens),
    reasoningTokens: count(outputDetails.reasoning_tokens),
  };
}
