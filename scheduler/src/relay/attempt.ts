/** One attempt on one pool: undici's callbacks on one side, a reply to the client on the other. */

import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import type { EngineController } from "../http/wire/engine-connection.ts";
import type { PayloadTap } from "../payloads/payloads.ts";
import type { Upstream } from "../pools/connection.ts";
import type { Patience } from "../resilience/policy.ts";
import { epochNow } from "../telemetry/record.ts";
import { type Call, CLIENT_CLOSED, endOf, type RunningAttempt } from "./call.ts";
import { type Exchange, engineHeaders } from "./exchange.ts";
import { upstreamHeaders } from "./headers.ts";
import { type EngineHeaders, Rejected } from "./outlet.ts";
import type { Reply } from "./reply.ts";
import { HEDGE_LOST, type OpenAttempt } from "./settle.ts";
import { restOf, statusKind } from "./verdict.ts";

/** The client has nothing yet. */
export interface Failed {
  kind: "failed";
  status: number;
  code: string;
  message: string;
  /** A higher tier is wanted: the answer was bad. */
  escalate?: boolean;
  /** Gives the client what there is, where nothing better is to be had. */
  deliver?: (() => void) | undefined;
}

/** `answered`: the client has its reply, whole or broken. */
export type Outcome = { kind: "answered" } | { kind: "gone" } | Failed;

export interface AttemptOptions {
  call: Call;
  attempt: OpenAttempt;
  upstream: Upstream;
  exchange: Exchange;
  /** Names and values in turn: what an engine that keeps state of sessions is told. */
  sessionHeaders: readonly string[];
  patience: Patience;
  /** Asked when the pool answered with an error of its own: may another be asked? Else its words are the client's. */
  canFailOver: () => boolean;
}

/** It begins at once, and is among the call's `running` until it ends. `outcome` never rejects; the attempt is settled in every case. */
export class Attempt implements Dispatcher.DispatchHandler, RunningAttempt {
  readonly outcome: Promise<Outcome>;
  socket: Socket | undefined;
  readonly #options: AttemptOptions;
  #resolve!: (outcome: Outcome) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled: Error | undefined;
  #reply: Reply | undefined;
  #status = 0;
  #timer: NodeJS.Timeout | undefined;
  #resent = false;
  readonly #payload: PayloadTap | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const { call, attempt, exchange, patience } = options;
    this.#payload = call.payloads?.open(call.record, attempt.record, exchange.body);
    call.running.push(this);
    const { stream } = call.chat;
    this.#wait(stream ? patience.ttftMs : patience.replyMs, stream);
    this.#send();
  }

  #send(): void {
    const { call, attempt, upstream, exchange, sessionHeaders, patience } = this.#options;
    const headers = upstreamHeaders(call.request.headers, upstream, call.record, attempt.record.spanId);
    headers.push(...engineHeaders(exchange.engine, upstream, call.request.headers), ...sessionHeaders);
    upstream.dispatcher.dispatch(
      {
        origin: upstream.origin,
        path: joined(upstream.basePath, exchange.path),
        method: "POST",
        headers,
        body: exchange.body,
        // Until the first token our own clock counts.
        headersTimeout: 0,
        bodyTimeout: call.chat.stream ? patience.stallMs : 0,
      },
      this,
    );
  }

  /** The client hears it. */
  get answering(): boolean {
    return this.#options.call.response.headersSent;
  }

  /** Closes the connection. */
  cancel(reason: Error): void {
    this.#cancelled ??= reason;
    this.#controller?.abort(this.#cancelled);
  }

  #wait(ms: number, stream: boolean): void {
    clearTimeout(this.#timer);
    const code = stream ? "ttft_timeout" : "reply_timeout";
    const what = stream ? "no first token" : "no whole reply";
    this.#timer = setTimeout(() => this.cancel(new EngineError(code, `${what} within ${ms} ms`)), ms);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(this.#cancelled);
    else this.socket = (controller as EngineController).socket;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: EngineHeaders): void {
    // Informational: the answer is still to come.
    if (status < 200) return;
    const { call, attempt, exchange, canFailOver, patience } = this.#options;
    const { breaker } = attempt.offer.source;
    this.#status = status;
    const rest = restOf(status, headers);
    if (rest !== undefined) breaker.rest(rest);
    if (status === 401) breaker.trip("the engine refuses our key (401)");
    const kind = statusKind(status);
    if (kind === "pool_misconfigured" || (kind !== "answer" && kind !== "request" && canFailOver())) {
      const whose = kind === "pool_misconfigured" ? ": its key, address or model is wrong in the config" : "";
      controller.abort(new EngineError(String(status), `the engine answered ${status}${whose}`));
      return;
    }
    // An error is one body, whatever it is called, and what has none is no stream; nor is what nobody asked for as one.
    const streamed = call.chat.stream && status < 204 && String(headers["content-type"]).startsWith("text/event-stream");
    if (!streamed && call.chat.stream) this.#wait(patience.replyMs, false);
    this.#reply = streamed ? exchange.streamReply(call, attempt, status, headers) : exchange.heldReply(call, attempt, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { call, attempt, patience } = this.#options;
    this.#payload?.received(chunk);
    let flowing: boolean | undefined;
    try {
      flowing = this.#reply?.data(chunk);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      this.#reject(error);
      controller.abort(error);
      return;
    }
    if (this.#timer && call.chat.stream && attempt.record.firstChunkAt !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (flowing !== false) return;
    controller.pause();
    clearTimeout(this.#timer);
    // A client that stays and takes nothing more would hold the slot for good.
    this.#timer = setTimeout(() => call.response.destroy(), patience.stallMs);
    call.response.once("drain", () => {
      clearTimeout(this.#timer);
      controller.resume();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    try {
      this.#reply?.end();
      this.#end({ kind: "answered" });
    } catch (error) {
      // By now the connection is another's: nobody but us would end the call.
      if (error instanceof Rejected) this.#reject(error);
      else this.onResponseError(controller, error as Error);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // The reply has ended it already.
    if (error instanceof Rejected) return;
    const { call, attempt } = this.#options;
    const lost = error instanceof HedgeLost;
    if (call.gone || lost) {
      const reason = lost ? HEDGE_LOST : (call.stopped?.code ?? CLIENT_CLOSED);
      const told = this.#reply?.fail(reason, error.message);
      this.#settle(reason);
      // A stream that had begun has been told why it ends.
      this.#end(call.stopped && told ? { kind: "answered" } : { kind: "gone" });
      return;
    }
    const code = codeOf(error);
    if (this.#metClosing(code)) {
      this.#resent = true;
      this.#send();
      return;
    }
    const message = `pool ${attempt.record.offer.pool} failed: ${error.message || code}`;
    const told = this.#reply?.fail(code, message);
    this.#settle(code);
    this.#end(told ? { kind: "answered" } : { kind: "failed", status: this.#status, code, message });
  }

  /**
   * The engine closed a connection that it had kept idle, as the request was on its way: it never saw it, and is asked once more. A
   * connection that had answered before and is closed without a byte within a round trip says as much; later, the request may be at work.
   */
  #metClosing(code: string): boolean {
    if (this.#resent || this.#status !== 0 || this.#cancelled || !CLOSED.has(code)) return false;
    return (this.socket?.bytesRead ?? 0) > 0 && epochNow() - this.#options.attempt.record.startedAt < ROUND_TRIP_MS;
  }

  #reject({ code, message, escalate, deliver }: Rejected): void {
    const pool = this.#options.attempt.record.offer.pool;
    this.#end({ kind: "failed", status: this.#status, code, message: `pool ${pool} failed: ${message}`, escalate, deliver });
  }

  #end(outcome: Outcome): void {
    clearTimeout(this.#timer);
    this.#payload?.end();
    const { running } = this.#options.call;
    const at = running.indexOf(this);
    if (at === running.length - 1) running.pop();
    else if (at >= 0) running.splice(at, 1);
    this.#resolve(outcome);
  }

  /** For attempts that passed nothing on. One that was sent and never answered may have been charged: that stays unknown. */
  #settle(error: string): void {
    const free = this.#status >= 300 || NEVER_SENT.has(error);
    this.#options.attempt.settle({ status: this.#status, error, facts: undefined, estimate: free ? NOTHING : undefined });
  }
}

/** The last one that was made: mostly the next one's too, and V8 compares a text that is put together anew in a call into its runtime. */
let path = { base: "", rest: "", whole: "" };

function joined(base: string, rest: string): string {
  if (path.base !== base || path.rest !== rest) path = { base, rest, whole: base + rest };
  return path.whole;
}

/** Why an attempt is cancelled when another has answered. */
export class HedgeLost extends Error {
  constructor() {
    super("another attempt answered first");
  }
}

/** By the engine: by a reset, or in good order. */
const CLOSED = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);
/** To the other side of the world and back, with some to spare. */
const ROUND_TRIP_MS = 1_000;
const NOTHING = { input: 0, output: 0, cacheRead: 0, reasoning: 0 };
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "ENOENT", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** `ECONNREFUSED`, `UND_ERR_SOCKET`, … */
function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code !== "" ? code : "upstream_error";
}

/** Cancels all attempts of a call: the client left, or it was stopped. */
export function cancelAll(call: Call): void {
  for (const attempt of [...call.running]) attempt.cancel(endOf(call));
}
