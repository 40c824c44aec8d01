/** Tokens to text as they come: whole characters only, and nothing past a stop string. */

import type { LlamaModel, Token } from "node-llama-cpp";

const REPLACEMENT = "\uFFFD";
/** A character is at most four bytes, hence at most four byte tokens. */
const MAX_PENDING = 4;

export interface TextStream {
  /** @returns true when a stop string was met and generation must end */
  push(token: Token): boolean;
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
      if (text.endsWith(REPLACEMENT) && pending.length < MAX_PENDING) return false;
      previous = pending;
      pending = [];
      held += text;

      const cut = stop.map((phrase) => held.indexOf(phrase)).filter((index) => index >= 0);
      if (cut.length > 0) {
        held = held.slice(0, Math.min(...cut));
        return true;
      }
      // The start of a stop string may stand at the end of what is held.
      const safe = Math.max(0, held.length - Math.max(0, longestStop - 1));
      if (safe > 0) onText(held.slice(0, safe));
      held = held.slice(safe);
      return false;
    },
    end() {
      if (held) onText(held);
      held = "";
    },
  };
}
