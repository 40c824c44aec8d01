/** What stands between a reply and the client: nothing is sent until the reply has shown that it is one. */

import type { Call } from "./call.ts";
import { replyHeaders } from "./headers.ts";
import type { OpenAttempt } from "./settle.ts";

export type EngineHeaders = Record<string, string | string[] | undefined>;

/** The reply cannot be given to the client, or had better not: its attempt is settled, and another may be made. */
export class Rejected extends Error {
  readonly code: string;
  /** A model of a higher tier is wanted. */
  readonly escalate: boolean;
  /** Gives the client this reply after all, where no other is to be had. */
  readonly deliver: (() => void) | undefined;

  constructor(code: string, message: string, { escalate = false, deliver }: { escalate?: boolean; deliver?: () => void } = {}) {
    super(message);
    this.code = code;
    this.escalate = escalate;
    this.deliver = deliver;
  }
}

export class Outlet {
  readonly #call: Call;
  readonly #attempt: OpenAttempt;
  readonly #status: number;
  readonly #headers: EngineHeaders;
  #held: Buffer[] | undefined = [];
  #size = 0;

  constructor(call: Call, attempt: OpenAttempt, status: number, headers: EngineHeaders) {
    this.#call = call;
    this.#attempt = attempt;
    this.#status = status;
    this.#headers = headers;
  }

  /** Bytes have been sent: there is no way back. */
  get open(): boolean {
    return this.#held === undefined;
  }
  get ended(): boolean {
    return this.open && this.#call.response.writableEnded;
  }
  /** Bytes held back. */
  get size(): number {
    return this.#size;
  }
  held(): Buffer {
    return this.#held ? Buffer.concat(this.#held) : Buffer.alloc(0);
  }

  /** @returns false while the client is slower than the engine */
  write(bytes: Buffer): boolean {
    if (!this.#held) return this.#call.response.write(bytes);
    this.#held.push(bytes);
    this.#size += bytes.length;
    return true;
  }

  /** From here on this attempt is the one that answers; others of the call are cancelled. */
  release(): boolean {
    const held = this.#held;
    if (!held) return true;
    this.#held = undefined;
    const { response, record } = this.#call;
    this.#attempt.answers();
    response.writeHead(this.#status, replyHeaders(this.#headers, record, this.#attempt.record));
    if (held.length === 0) {
      response.flushHeaders();
      return true;
    }
    return response.write(held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held));
  }

  end(last: Buffer | string): void {
    this.release();
    this.#call.response.end(last);
  }
}
