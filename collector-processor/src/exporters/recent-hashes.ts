const SLOTS = 2 ** 20;
/** What a number holds exactly. */
const BYTES = 6;

/**
 * Which hashes came of late, in 4 MB whatever comes: each has one place by its first bytes, where it takes that of another. So one of before
 * may be called new; that a new one is called one of before is as good as impossible. Who asks must be right with either answer.
 */
export class RecentHashes {
  readonly #tags = new Uint32Array(SLOTS);

  /** Whether it did not come before, as far as is remembered; from now on it did. `hash`: of random bytes, a character for each. */
  isNew(hash: string): boolean {
    let bits = 0;
    for (let index = 0; index < BYTES; index++) bits = bits * 256 + hash.charCodeAt(index);
    const slot = bits % SLOTS;
    const tag = Math.floor(bits / SLOTS);
    if (this.#tags[slot] === tag) return false;
    this.#tags[slot] = tag;
    return true;
  }
}
