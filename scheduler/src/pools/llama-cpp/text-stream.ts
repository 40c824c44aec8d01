/** Tokens to text as they come: whole characters only, and nothing past a stop string. */

import type { LlamaModel, Token } from "node-llama-cpp";

const REPLACEMENT = "\uFFFD";
/** A character is at most four bytes, hence at most four byte tokens. */
const MAX_PENDING = 4;

export interface TextStream {
  /** @returns the stop string that was met: generation must end */
  push(token: Token): string | undefined;
  /** Emits what was held back. */
  end(): void;
}

export function createTextStream(
  model: Pick<LlamaModel, "detokenize">,
  stop: readonly string[],
  onText: (text: string) => void,
): TextStream {
  const longestStop = Math.max(0, ...stop.map((text) => text.length));
  let previous: Token[] = [];
  let pending: Token[] = [];
  let held = "";

  return {
    push(token) {
      pending.push(token);
      const text = model.detokenize(pending, false, previous);
      if (text.endsWith(REPLACEMENT) && pending.length < MAX_PENDING) return undefined;
      previous = pending;
      pending = [];
      held += text;

      let met: string | undefined;
      let cut = held.length;
      for (const phrase of stop) {
        const index = held.indexOf(phrase);
        if (index >= 0 && index < cut) [met, cut] = [phrase, index];
      }
      if (met !== undefined) {
        held = held.slice(0, cut);
        return met;
      }
      // The start of a stop string may stand at the end of what is held.
      const safe = Math.max(0, held.length - Math.max(0, longestStop - 1));
      if (safe > 0) onText(held.slice(0, safe));
      held = held.slice(safe);
      return undefined;
    },
    end() {
      if (held) onText(held);
      held = "";
    },
  };
}
