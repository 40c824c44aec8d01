/** How an engine's reply reaches the client. One implementation per form of reply. */
export interface Reply {
  /**
   * @returns false while the client is slower than the engine: wait for the response's `drain`
   * @throws Rejected where nothing was sent yet, and another attempt had better answer
   */
  data(chunk: Buffer): boolean;
  /** @throws Rejected as `data` */
  end(): void;
  /**
   * The engine broke off: settles the attempt, and ends a reply that had begun in the client's dialect. False where nothing was sent
   * yet, so that another attempt or a plain error can still answer.
   */
  fail(error: string, message: string): boolean;
}

export class ReplyTooLarge extends Error {
  readonly code = "reply_too_large";
  constructor(limit: number) {
    super(`the reply is larger than ${limit} bytes`);
  }
}
