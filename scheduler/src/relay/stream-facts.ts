/** What the record needs of a stream, picked up from what it says. */

import type { CallUsage, ReplyFacts } from "../dialects/chat-usage.ts";
import type { ApiError, StreamEvent } from "../dialects/translate/index.ts";
import { FINISH_REASONS } from "./finish-reasons.ts";

export class StreamFacts implements ReplyFacts {
  usage: CallUsage | undefined;
  finishReason: string | undefined;
  id: string | undefined;
  model: string | undefined;
  error: ApiError | undefined;
  /** Its last event was seen. */
  ended = false;
  sawContent = false;
  /** Any event at all. */
  seen = false;
  #deltas = 0;
  /** What the engine counted at the start: Anthropic's tells the input and its cached part. */
  #first: CallUsage | undefined;

  see(event: StreamEvent): void {
    this.seen = true;
    switch (event.type) {
      case "start":
        this.id = event.id || undefined;
        this.model = event.model || undefined;
        this.#first = event.usage;
        break;
      case "part_start":
        this.sawContent ||= event.part.kind === "tool_call";
        break;
      case "part_delta":
        this.sawContent = true;
        this.#deltas++;
        break;
      case "stop":
        this.usage = event.usage;
        this.finishReason = FINISH_REASONS[event.reason];
        this.ended = true;
        break;
      case "error":
        this.error = event.error;
        this.ended = true;
        break;
    }
  }

  /** Tokens of a stream that broke off: the engine's own count of the input where it gave one, and one of output a piece. */
  estimate(inputTokens: number): CallUsage {
    const { input = inputTokens, cacheRead = 0, ...first } = this.#first ?? {};
    return { ...first, input: Math.max(input, cacheRead), cacheRead, output: this.#deltas, reasoning: 0 };
  }
}
