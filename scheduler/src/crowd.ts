/**
 * Who is there now, of what comes and goes with each call; in no order.
 *
 * A Set holds them too, but every so many additions V8 gives it a new table, and the one that is left points at the new one. As soon as one of
 * them has grown old, all later ones live until the next major garbage collection, each with the calls that it held when it was left:
 * an eighth of all that calls allocate (`node --trace-gc`).
 */

export interface Member {
  /** Its place; of use to the crowd alone. */
  place: number;
}

export class Crowd<Someone extends Member> {
  readonly #members: Someone[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Only who is in no crowd. */
  add(member: Someone): void {
    member.place = this.#members.push(member) - 1;
  }

  /** Nothing happens where it has left already. */
  delete(member: Someone): void {
    if (this.#members[member.place] !== member) return;
    const last = this.#members.pop() as Someone;
    if (last === member) return;
    this.#members[member.place] = last;
    last.place = member.place;
  }

  /** Nobody may come or go meanwhile. */
  [Symbol.iterator](): Iterator<Someone> {
    return this.#members[Symbol.iterator]();
  }
}
