/** How an engine's reply reaches the client. One implementation per form of reply. */
export interface Reply {
  /** @returns false while the client is slower than the engine: wait for the response's `drain` */
  data(chunk: Buffer): boolean;
  end(): void;
  /**
   * The engine broke off: ends the reply in the client's dialect. Undefined where nothing was sent yet, so that another
   * attempt or a plain error can still answer.
   */
  fail: ((error: string, message: string) => void) | undefined;
}

export class ReplyTooLarge extends Error {
  readonly code = "reply_too_large";
  constructor(limit: number) {
    super(`the reply is larger than ${limit} bytes`);
  }
}
