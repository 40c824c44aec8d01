/** How many tokens a pool's replies have: what is left of one that has begun depends on how far it has come. */

export interface ReplyLengths {
  observe(tokens: number): void;
  /**
   * Tokens that a reply still gets, at least, nineteen times in twenty.
   * @param produced tokens that it has already
   * @returns 1 where none was ever that long; undefined before enough replies were seen
   */
  fewestLeft(produced: number): number | undefined;
}

const WINDOW = 512;
/** Sorted anew after as many, once it is asked: nobody asks for a pool whose calls do not share one engine. */
const REFRESH = 32;
/** Of twenty replies one is shorter: a prompt that comes between the steps of a short one weighs most. */
const SHARE = 0.05;

export function createReplyLengths(): ReplyLengths {
  const arrived = new Float64Array(WINDOW);
  let sorted = new Float64Array();
  let count = 0;
  let sortedAt = 0;
  return {
    observe(tokens) {
      arrived[count++ % WINDOW] = tokens;
    },
    fewestLeft(produced) {
      if (count - sortedAt >= REFRESH) {
        sorted = arrived.slice(0, Math.min(count, WINDOW)).sort();
        sortedAt = count;
      }
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
  };
}
