const SLOTS = 2 ** 20;
/** 52 bits of a hash: a number holds them. */
const DIGITS = 13;

/**
 * Which hashes came of late, in 4 MB whatever comes: each has one place by its first digits, where it takes that of another. So one of before
 * may be called new; that a new one is called one of before is as good as impossible. Who asks must be right with either answer.
 */
export class RecentHashes {
  readonly #tags = new Uint32Array(SLOTS);

  /** Whether it did not come before, as far as is remembered; from now on it did. `hash`: SHA-256 as hex. */
  isNew(hash: string): boolean {
    const digits = Number.parseInt(hash.slice(0, DIGITS), 16);
    const slot = digits % SLOTS;
    const tag = Math.floor(digits / SLOTS);
    if (this.#tags[slot] === tag) return false;
    this.#tags[slot] = tag;
    return true;
  }
}
