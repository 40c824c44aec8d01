import { Unavailable } from "../pipeline.ts";
import type { EncodedBatch } from "./encode-batch.ts";

export interface QueueLimits {
  /** Spans, and bytes of encoded rows, that wait for a writer. A batch beyond either is refused. */
  spans: number;
  bytes: number;
}

export interface GroupLimits {
  /** Spans, and bytes, of one transaction; a single larger batch is a group of its own. */
  spans: number;
  bytes: number;
}

export interface Waiting {
  batch: EncodedBatch;
  resolve(): void;
  reject(error: Error): void;
}

/** A group of less than so many parts of the largest costs more by its transaction than by its spans. */
const LITTLE = 4;
/** While another is written, nothing waits for this one: one twice as large takes Postgres a tenth less for a span. */
const LITTLE_MEANWHILE = 2;
/** So many times as long as alone it is gathered then. */
const MOST_LOOKS = 4;

/** Batches that wait for a writer: bounded in spans and bytes, taken in groups. */
export class WriteQueue {
  readonly #limits: QueueLimits;
  #waiting: Waiting[] = [];
  #wake: (() => void)[] = [];
  /** Looks whether the one that gathers has enough; of two at once each would have half. */
  #gathering: (() => void) | undefined;
  /** Groups that were taken and are not settled. */
  #underWay = 0;
  #closed = false;
  spans = 0;
  bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Why it takes no batch now, whatever it is; null: it may. */
  refusal(): Unavailable | null {
    return this.spans >= this.#limits.spans || this.bytes >= this.#limits.bytes ? full() : null;
  }

  /** An empty queue takes a batch of any size. */
  hasRoom({ spanCount, bytes }: EncodedBatch): boolean {
    if (this.#waiting.length === 0) return true;
    return this.spans + spanCount <= this.#limits.spans && this.bytes + bytes <= this.#limits.bytes;
  }

  /** @throws Unavailable when there is no room. */
  add(item: Waiting): void {
    const { spanCount, bytes } = item.batch;
    if (!this.hasRoom(item.batch)) throw full();
    this.#waiting.push(item);
    this.spans += spanCount;
    this.bytes += bytes;
    if (this.#gathering === undefined) this.#wake[0]?.();
    else this.#gathering();
  }

  /**
   * Waits for work. Where that is little, waits up to `gatherMs` for more, and longer while another group is under way. Who takes a group
   * says when it is `settled`. Resolves to an empty group when the queue is closed and empty, when the signal says that the taker is gone,
   * or when there was no work for it for `patienceMs`.
   */
  async take(limits: GroupLimits, gone: AbortSignal, gatherMs = 0, patienceMs?: number): Promise<Waiting[]> {
    for (let gathered = gatherMs === 0; this.#waiting.length === 0 || !gathered; ) {
      if (gone.aborted || (this.#closed && this.#waiting.length === 0)) return [];
      if (this.#waiting.length === 0 || this.#gathering !== undefined) {
        if (!(await this.#work(gone, patienceMs))) return [];
      } else {
        await this.#enough(limits, gatherMs);
        gathered = true;
      }
    }
    // what is left is another's
    try {
      return gone.aborted ? [] : this.#group(limits);
    } finally {
      if (this.#waiting.length > 0) this.#wake[0]?.();
    }
  }

  /** A group that was taken is stored, or given up. */
  settled(): void {
    this.#underWay--;
    this.#gathering?.();
  }

  #group(limits: GroupLimits): Waiting[] {
    let spans = 0;
    let bytes = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      // one that came before is written another way, and would take the others of its group with it
      if (batch.repeated !== this.#waiting[0]?.batch.repeated) break;
      spans += batch.spanCount;
      bytes += batch.bytes;
      if (count > 0 && (spans > limits.spans || bytes > limits.bytes)) break;
      count++;
    }
    if (count > 0) this.#underWay++;
    return this.#remove(count);
  }

  /** Refuses everything that waits. */
  rejectAll(error: Error): void {
    for (const item of this.#remove(this.#waiting.length)) item.reject(error);
  }

  /** Whoever waits for work is woken when there will be none. */
  close(): void {
    this.#closed = true;
    this.#gathering?.();
    for (const wake of [...this.#wake]) wake();
  }

  #enough(limits: GroupLimits, gatherMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late);
        this.#gathering = undefined;
        resolve();
      };
      const look = (looks: number) => {
        if (this.#underWay === 0 || looks === MOST_LOOKS) done();
        else late = setTimeout(look, gatherMs, looks + 1);
      };
      let late = setTimeout(look, gatherMs, 1);
      this.#gathering = () => {
        const little = this.#underWay === 0 ? LITTLE : LITTLE_MEANWHILE;
        if (this.#closed || this.spans >= limits.spans / little || this.bytes >= limits.bytes / little) done();
      };
      this.#gathering();
    });
  }

  /** False: there was none for so long. */
  #work(gone: AbortSignal, patienceMs: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const stop = (isWoken: boolean) => {
        clearTimeout(late);
        gone.removeEventListener("abort", wake);
        this.#wake = this.#wake.filter((other) => other !== wake);
        resolve(isWoken);
      };
      const wake = () => stop(true);
      const late = patienceMs === undefined ? undefined : setTimeout(stop, patienceMs, false);
      this.#wake.push(wake);
      gone.addEventListener("abort", wake);
    });
  }

  #remove(count: number): Waiting[] {
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const { batch } of group) {
      this.spans -= batch.spanCount;
      this.bytes -= batch.bytes;
    }
    return group;
  }
}

const full = () => new Unavailable("the queue to Postgres is full", 2);
