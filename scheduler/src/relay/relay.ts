/** Serves a placed request: waits for a slot, tries the choice, and once the next candidate when nothing has reached the client. */

import type { Baseline } from "../cost.ts";
import { HttpError } from "../http/errors.ts";
import type { Offer } from "../pools/pool.ts";
import { newSpanId } from "../telemetry/ids.ts";
import { runAttempt } from "./attempt.ts";
import { type Call, endOf } from "./call.ts";
import type { Exchanges } from "./exchange.ts";
import { openAttempt } from "./settle.ts";

/** The first choice and one failover. */
export const MAX_ATTEMPTS = 2;

type Failure = { status: number; code: string; message: string };
const NOBODY: Failure = { status: 503, code: "no_pool", message: "no pool can take the request now" };

/**
 * Resolves when the client has its reply.
 * @throws HttpError where nothing was sent to the client, the reason of a stop among them; ClientGone where it left
 */
export async function relay(call: Call, offers: readonly Offer[], exchanges: Exchanges, baseline: Baseline | undefined): Promise<void> {
  const chain = call.record.placement.order.slice(0, MAX_ATTEMPTS);
  // Errors are made when they are thrown: one costs 4 µs for its stack.
  let failure: Failure | undefined;
  for (const [position, index] of chain.entries()) {
    const offer = offers[index] as Offer;
    if (failure && call.mayRetry && !(await call.mayRetry())) break;
    if (call.gone) throw endOf(call);
    await takeSlot(call, offer);
    const { upstream } = offer.source.connection;
    if (!upstream) {
      // The pool went down while the call waited.
      offer.source.gate.release();
      call.place = "none";
      failure = { status: 503, code: "pool_down", message: `pool ${offer.pool} went down` };
      continue;
    }
    const attempt = openAttempt(offer, newSpanId(), call.record, call.chat.promptBytes, baseline);
    const exchange = exchanges.open(offer);
    attempt.record.dropped = exchange.dropped;
    const outcome = await runAttempt({ call, attempt, upstream, exchange, canFailOver: position + 1 < chain.length });
    call.onGone = undefined;
    call.place = "none";
    if (outcome.kind === "answered") return;
    if (outcome.kind === "gone") throw endOf(call);
    failure = { status: 502, code: outcome.code, message: outcome.message };
  }
  const { status, code, message } = failure ?? NOBODY;
  throw new HttpError(status, code, message, status === 503 ? { retryAfterSeconds: 1 } : {});
}

async function takeSlot(call: Call, offer: Offer): Promise<void> {
  const { gate } = offer.source;
  if (gate.tryAcquire()) {
    call.place = "slot";
    return;
  }
  const waited = performance.now();
  const cancel = new AbortController();
  call.onGone = () => cancel.abort(endOf(call));
  if (call.gone) call.onGone();
  call.place = "line";
  try {
    await gate.wait(cancel.signal);
    call.place = "slot";
  } finally {
    call.record.queueMs += performance.now() - waited;
    call.onGone = undefined;
  }
}
