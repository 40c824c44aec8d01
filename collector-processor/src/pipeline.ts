/**
 * What the stages of the pipeline have in common. A stage is a factory `(config, next) => Stage<In>`; a batch moves on by
 * `next.consume(batch)`, and the promise settles when the whole rest of the pipeline is done with it. So the receiver answers 200
 * only after the last stage has committed.
 */
export interface Consumer<Batch> {
  /**
   * Takes ownership of the batch. Resolves when it is stored.
   * Rejects with Unavailable when the same batch may be sent again later; any other error is ours, and a retry will not help.
   */
  consume(batch: Batch): Promise<void>;
}

export interface Stage<Batch> extends Consumer<Batch> {
  /** Called once, before the first consume. */
  start(): Promise<void>;
  /** Called once, after the last consume was called. Waits for what was accepted, within its own bound. */
  shutdown(): Promise<void>;
}

/** The batch could not be taken now, and nothing of it is known to be stored: send it again. */
export class Unavailable extends Error {
  readonly retryAfterSeconds: number;
  constructor(message: string, retryAfterSeconds = 1) {
    super(message);
    this.name = "Unavailable";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The spans, or log records, of one request that are refused for good, with the reasons: OTLP's partial success. */
export class Rejections {
  #reasons = new Map<string, number>();
  readonly #noun: string;
  count = 0;

  constructor(noun = "span") {
    this.#noun = noun;
  }

  add(reason: string, items = 1): void {
    this.count += items;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + items);
  }

  /** For people: `2 spans: trace_id is not 16 bytes; 1 span: …`. Empty when nothing was refused. */
  get message(): string {
    return [...this.#reasons].map(([reason, items]) => `${items} ${this.#noun}${items === 1 ? "" : "s"}: ${reason}`).join("; ");
  }
}
