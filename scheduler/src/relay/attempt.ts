/** One attempt on one pool: undici's callbacks on one side, a reply to the client on the other. */

import type { Dispatcher } from "undici";
import type { Upstream } from "../pools/connection.ts";
import { type Call, endOf } from "./call.ts";
import type { Exchange } from "./exchange.ts";
import { upstreamHeaders } from "./headers.ts";
import type { Reply } from "./reply.ts";
import { CLIENT_CLOSED, type OpenAttempt } from "./settle.ts";
import { expectSocket } from "./upstream-socket.ts";

/** `answered`: the client has its reply, whole or broken. `failed`: the client has nothing yet. */
export type Outcome = { kind: "answered" } | { kind: "gone" } | { kind: "failed"; code: string; message: string };

export interface AttemptOptions {
  call: Call;
  attempt: OpenAttempt;
  upstream: Upstream;
  exchange: Exchange;
  /** Another pool could answer: a 5xx is then not passed on. */
  canFailOver: boolean;
}

/** Never rejects. Settles the attempt in every case. */
export function runAttempt(options: AttemptOptions): Promise<Outcome> {
  const { call, attempt, upstream, exchange } = options;
  const headers = upstreamHeaders(call.request.headers, upstream.authorization, call.record, attempt.record.spanId);
  headers.push(...exchange.headers(upstream, call.request.headers));
  return new Promise((resolve) => {
    upstream.dispatcher.dispatch(
      {
        origin: upstream.origin,
        path: upstream.basePath + exchange.path,
        method: "POST",
        headers,
        body: exchange.body,
      },
      new AttemptHandler(options, resolve),
    );
  });
}

class AttemptHandler implements Dispatcher.DispatchHandler {
  readonly #options: AttemptOptions;
  readonly #resolve: (outcome: Outcome) => void;
  #reply: Reply | undefined;
  #status = 0;

  constructor(options: AttemptOptions, resolve: (outcome: Outcome) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { call } = this.#options;
    call.onGone = () => controller.abort(endOf(call));
    if (call.gone) call.onGone();
    else expectSocket(call);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    // Informational: the answer is still to come.
    if (status < 200) return;
    const { call, attempt, exchange, canFailOver } = this.#options;
    this.#status = status;
    if (status >= 500 && canFailOver) {
      controller.abort(new EngineError(status));
      return;
    }
    const streamed = String(headers["content-type"]).startsWith("text/event-stream");
    this.#reply = streamed ? exchange.streamReply(call, attempt, status, headers) : exchange.heldReply(call, attempt, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#reply?.data(chunk) !== false) return;
    controller.pause();
    this.#options.call.response.once("drain", () => controller.resume());
  }

  onResponseEnd(): void {
    this.#reply?.end();
    this.#resolve({ kind: "answered" });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const { call, attempt } = this.#options;
    if (call.gone) {
      const reason = call.stopped?.code ?? CLIENT_CLOSED;
      const end = this.#reply?.fail;
      end?.(reason, error.message);
      this.#settle(reason);
      // A stream that had begun has been told why it ends.
      this.#resolve(call.stopped && end ? { kind: "answered" } : { kind: "gone" });
      return;
    }
    const code = error instanceof EngineError ? String(error.status) : codeOf(error);
    const message = `pool ${attempt.record.offer.pool} failed: ${error.message || code}`;
    const fail = this.#reply?.fail;
    fail?.(code, message);
    this.#settle(code);
    this.#resolve(fail ? { kind: "answered" } : { kind: "failed", code, message });
  }

  /** For attempts that passed nothing on. One that was sent and never answered may have been charged: that stays unknown. */
  #settle(error: string): void {
    const free = this.#status >= 400 || NEVER_SENT.has(error);
    this.#options.attempt.settle({ status: this.#status, error, facts: undefined, estimate: free ? NOTHING : undefined });
  }
}

const NOTHING = { input: 0, output: 0, cacheRead: 0, reasoning: 0 };
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "ENOENT", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

class EngineError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`the engine answered ${status}`);
    this.status = status;
  }
}

/** `ECONNREFUSED`, `UND_ERR_SOCKET`, … */
function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code !== "" ? code : "upstream_error";
}
