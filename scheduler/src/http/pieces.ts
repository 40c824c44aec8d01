/** Bytes that come in pieces, mostly in one: an array that is pushed to makes room for seventeen at once. */
export class Pieces {
  #first: Buffer | undefined;
  #rest: Buffer[] | undefined;

  push(bytes: Buffer): void {
    if (this.#first === undefined) this.#first = bytes;
    else if (this.#rest) this.#rest.push(bytes);
    else this.#rest = [bytes];
  }

  /** All that came, once. */
  take(): Buffer {
    const first = this.#first ?? NOTHING;
    const rest = this.#rest;
    this.#first = this.#rest = undefined;
    return rest ? Buffer.concat([first, ...rest]) : first;
  }
}

/** A view of no bytes costs as much as one of many. */
export const NOTHING = Buffer.alloc(0);
