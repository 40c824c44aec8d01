/** How many tokens a pool's replies have: what is left of one that has begun depends on how far it has come. */

export interface ReplyLengths {
  observe(tokens: number): void;
  /**
   * Tokens that a reply still gets, at least, nineteen times in twenty.
   * @param produced tokens that it has already
   * @returns 1 where none was ever that long; undefined before enough replies were seen
   */
  fewestLeft(produced: number): number | undefined;
  /** Tokens of the replies that are remembered, oldest first. */
  state(): number[];
  /** Tells of replies as the one that gave this state did then. */
  restore(tokens: readonly number[]): void;
}

/** Replies remembered. */
export const REPLY_WINDOW = 512;
/** Sorted anew after as many, once it is asked: nobody asks for a pool whose calls do not share one engine. */
const REFRESH = 32;
/** Of twenty replies one is shorter: a prompt that comes between the steps of a short one weighs most. */
const SHARE = 0.05;

export function createReplyLengths(): ReplyLengths {
  const arrived = new Float64Array(REPLY_WINDOW);
  let sorted = new Float64Array();
  let count = 0;
  let sortedAt = 0;

  function refresh(after: number): void {
    if (count < REFRESH || count - sortedAt < after) return;
    sorted = arrived.slice(0, Math.min(count, REPLY_WINDOW)).sort();
    sortedAt = count;
  }

  return {
    observe(tokens) {
      arrived[count++ % REPLY_WINDOW] = tokens;
    },
    fewestLeft(produced) {
      refresh(REFRESH);
      if (sorted.length === 0) return undefined;
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((sorted[middle] as number) <= produced) low = middle + 1;
        else high = middle;
      }
      const longer = sorted.length - low;
      return longer === 0 ? 1 : (sorted[low + Math.floor(SHARE * longer)] as number) - produced;
    },
    state() {
      // Whoever takes it up sorts all of it.
      refresh(1);
      const held = Math.min(count, REPLY_WINDOW);
      return Array.from({ length: held }, (_, index) => arrived[(count - held + index) % REPLY_WINDOW] as number);
    },
    restore(tokens) {
      const held = tokens.slice(-REPLY_WINDOW);
      arrived.set(held);
      count = held.length;
      sortedAt = 0;
      sorted = new Float64Array();
    },
  };
}
