/**
 * Serves a placed request: waits for a slot, tries the choice, and the next candidates while nothing has reached the client: on failure
 * the next in the order of the placement, on a bad answer the next of a higher tier, and where the route hedges a second one meanwhile.
 */

import type { Baseline } from "../cost.ts";
import { HttpError } from "../http/errors.ts";
import { dueInMs, type Pricing } from "../placement/candidate.ts";
import type { Offer } from "../pools/pool.ts";
import type { Resilience } from "../resilience/policy.ts";
import { newSpanId } from "../telemetry/ids.ts";
import { type AttemptRecord, epochNow } from "../telemetry/record.ts";
import { Attempt, cancelAll, type Failed, HedgeLost, type Outcome } from "./attempt.ts";
import { type Call, endOf } from "./call.ts";
import type { Exchange, Exchanges } from "./exchange.ts";
import { OpenAttempt, prefillTokensOf } from "./settle.ts";
import { statusKind } from "./verdict.ts";

export interface RelayOptions {
  /** In the order of the placement, the choice first. */
  chain: readonly Offer[];
  /** What each of them costs this call: what its budgets set aside, whatever becomes of prices while it waits and runs. */
  pricings: readonly Pricing[];
  exchanges: Exchanges;
  baseline: Baseline | undefined;
  resilience: Resilience;
  /** `false`: its pools learn nothing from it, since it is not like the calls that they serve. */
  learns?: boolean;
}

type Why = AttemptRecord["why"];
const NOBODY = "no pool can take the request now";

/**
 * Resolves when the client has its reply.
 * @throws HttpError where nothing was sent to the client, the reason of a stop among them; ClientGone where it left
 */
export function relay(call: Call, options: RelayOptions): Promise<void> {
  options.resilience.retries.deposit();
  return new Relay(call, options).run();
}

class Relay {
  readonly #call: Call;
  readonly #options: RelayOptions;
  /** Candidates that were not asked yet. */
  readonly #left: Offer[];
  #attempts = 0;
  /** A further attempt was granted by the retry budget and not made yet. */
  #granted = false;

  constructor(call: Call, options: RelayOptions) {
    this.#call = call;
    this.#options = options;
    this.#left = [...options.chain];
    call.escalation = options.resilience.escalation(ruleOf(call));
  }

  async run(): Promise<void> {
    const call = this.#call;
    let failure: Failed | undefined;
    let fallback: (() => void) | undefined;
    let why: Why = "first";
    let minTier = 0;
    while (this.#attempts < this.#options.resilience.maxAttempts) {
      const offer = this.#take(minTier);
      if (!offer) break;
      if (failure && call.mayRetry && !(await call.mayRetry(offer))) break;
      if (call.gone) throw endOf(call);
      comes(call, offer);
      try {
        if (offer.source.gate.tryAcquire()) call.place = "slot";
        else await waitForSlot(call, offer);
      } catch (error) {
        if (fallback && !call.gone) break;
        throw error;
      }
      if (call.gone) {
        // Its turn came in the same moment.
        offer.source.gate.release();
        throw endOf(call);
      }
      const outcome = await this.#attempt(offer, why, failure?.code, minTier);
      if (!outcome) continue;
      call.onGone = undefined;
      call.place = "none";
      if (outcome.kind === "answered") return;
      if (outcome.kind === "gone") throw endOf(call);
      failure = outcome;
      fallback ??= outcome.deliver;
      if (outcome.escalate) {
        why = "escalation";
        minTier = offer.tier + 1;
      } else {
        why = "failover";
        if (!this.#mayGoOn()) break;
      }
      this.#granted = false;
    }
    if (call.gone) throw endOf(call);
    if (fallback) return fallback();
    throw refusalOf(failure);
  }

  /** The next candidate whose pool takes calls; for an escalation the lowest tier that is high enough. */
  #take(minTier: number): Offer | undefined {
    let best = -1;
    for (let at = 0; at < this.#left.length; at++) {
      const offer = this.#left[at] as Offer;
      if (offer.tier < minTier || (this.#attempts > 0 && offer.unavailable !== undefined)) continue;
      if (best < 0 || (minTier > 0 && offer.tier < (this.#left[best] as Offer).tier)) best = at;
      if (minTier === 0) break;
    }
    // Mostly one is left.
    return best < 0 ? undefined : best === this.#left.length - 1 ? this.#left.pop() : this.#left.splice(best, 1)[0];
  }

  /** Somebody is left to ask, and the retry budget grants it. */
  #mayGoOn(): boolean {
    const { maxAttempts, retries } = this.#options.resilience;
    if (this.#attempts >= maxAttempts || this.#left.every((offer) => offer.unavailable !== undefined)) return false;
    this.#granted ||= retries.withdraw();
    return this.#granted;
  }

  /** On a slot that was taken. @returns undefined where the pool could not be asked after all */
  #attempt(offer: Offer, why: Why, reason: string | undefined, minTier: number): Promise<Outcome | undefined> | undefined {
    const { sessions } = offer.source.connection;
    if (!sessions) return this.#ask(offer, NO_HEADERS, why, reason, minTier);
    return sessions.prepare(this.#call.record).then((sessionHeaders) => {
      if (!this.#call.gone) return this.#ask(offer, sessionHeaders, why, reason, minTier);
      offer.source.gate.release();
      return { kind: "gone" };
    });
  }

  #ask(
    offer: Offer,
    sessionHeaders: readonly string[],
    why: Why,
    reason: string | undefined,
    minTier: number,
  ): Promise<Outcome> | undefined {
    const { record } = this.#call;
    const first = this.#start(offer, sessionHeaders, why, reason, minTier);
    const hedge = this.#options.resilience.hedge(ruleOf(this.#call), record.intent.sla.class);
    if (!first || hedge === undefined) return first?.outcome;
    const predicted = record.placement.explained.find((candidate) => candidate.chosen)?.ttft_ms ?? 0;
    return this.#hedged(first, "afterMs" in hedge ? hedge.afterMs : hedge.timesPredicted * predicted, minTier);
  }

  #start(offer: Offer, sessionHeaders: readonly string[], why: Why, reason: string | undefined, minTier: number): Attempt | undefined {
    const call = this.#call;
    const { chain, pricings, exchanges, baseline, resilience, learns = true } = this.#options;
    const { source } = offer;
    const { upstream } = source.connection;
    let exchange: Exchange;
    try {
      exchange = exchanges.open(offer);
    } catch (error) {
      source.gate.release();
      throw error;
    }
    // The pool went down, or its breaker opened, while the call waited.
    if (!upstream || !source.breaker.enter()) {
      source.gate.release();
      if (call.running.length === 0) call.place = "none";
      return undefined;
    }
    this.#attempts++;
    const opened: OpenAttempt = new OpenAttempt(offer, newSpanId(), call.record, call.chat.promptBytes, baseline, {
      pricing: pricings[chain.indexOf(offer)] as Pricing,
      why,
      reason,
      onAnswer: () => this.#answers(running, opened.record),
      learns,
    });
    opened.record.dropped = exchange.dropped;
    if (call.escalation) call.mayEscalate = () => this.#mayEscalate(Math.max(minTier, offer.tier + 1));
    const running = new Attempt({
      call,
      attempt: opened,
      upstream,
      exchange,
      sessionHeaders,
      patience: resilience.patience(ruleOf(call), offer.pool, call.record.intent.sla.class),
      canFailOver: () => call.running.length > 1 || this.#mayGoOn(),
    });
    call.onGone = cancelAll;
    return running;
  }

  #mayEscalate(tier: number): boolean {
    return (
      this.#attempts < this.#options.resilience.maxAttempts &&
      this.#left.some((offer) => offer.tier >= tier && offer.unavailable === undefined)
    );
  }

  /** Of those that run, this one is heard. */
  #answers(heard: Attempt, record: AttemptRecord): void {
    const { running, record: decision } = this.#call;
    if (running.length > 1) for (const other of [...running]) if (other !== heard) other.cancel(new HedgeLost());
    if (decision.attempts.at(-1) === record) return;
    decision.attempts.splice(decision.attempts.indexOf(record), 1);
    decision.attempts.push(record);
  }

  /** Starts a second attempt when the first has said nothing for so long. The first to speak is heard, the other closed. */
  async #hedged(first: Attempt, afterMs: number, minTier: number): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), afterMs);
    });
    const early = await Promise.race([first.outcome, late]);
    clearTimeout(timer);
    if (early) return early;
    const second = await this.#startHedge(first, minTier).catch((error: Error) => {
      first.cancel(error);
      throw error;
    });
    const outcomes = await Promise.all(second ? [first.outcome, second.outcome] : [first.outcome]);
    return outcomes.find(({ kind }) => kind === "answered") ?? outcomes.find(({ kind }) => kind === "failed") ?? { kind: "gone" };
  }

  async #startHedge(first: Attempt, minTier: number): Promise<Attempt | undefined> {
    const call = this.#call;
    if (first.answering || call.gone || !this.#left.some((offer) => offer.tier >= minTier)) return undefined;
    if (this.#attempts >= this.#options.resilience.maxAttempts || !this.#options.resilience.retries.withdraw()) return undefined;
    const offer = this.#take(minTier);
    if (!offer) return undefined;
    const paid = !call.mayRetry || (await call.mayRetry(offer));
    const stillWaits = () => call.running.length > 0 && !call.gone && !first.answering;
    // A line is no place for a second attempt.
    if (!paid || !stillWaits() || !offer.source.gate.tryAcquire()) {
      this.#left.unshift(offer);
      return undefined;
    }
    comes(call, offer);
    const sessionHeaders = (await offer.source.connection.sessions?.prepare(call.record)) ?? NO_HEADERS;
    if (!stillWaits()) {
      offer.source.gate.release();
      return undefined;
    }
    return this.#start(offer, sessionHeaders, "hedge", undefined, minTier);
  }
}

const NO_HEADERS: readonly string[] = [];

/** Its name in the config, whatever the variant. */
const ruleOf = ({ record: { intent } }: Call): string => intent.rule?.name ?? intent.route;

function refusalOf(failure: Failed | undefined): HttpError {
  if (!failure) return new HttpError(503, "no_pool", NOBODY, { retryAfterSeconds: 1 });
  const { status, code, message } = failure;
  // Trying again does not mend a config.
  if (statusKind(status) === "pool_misconfigured" && status >= 300) {
    return new HttpError(502, "pool_misconfigured", message, { headers: { "x-should-retry": "false" } });
  }
  return new HttpError(502, code, message);
}

/** Placement counts what waits in line with what is evaluated: the next call is placed as if it were there already. */
function comes(call: Call, offer: Offer): void {
  offer.source.load?.bring(prefillTokensOf(offer, call.chat.promptBytes), epochNow());
}

async function waitForSlot(call: Call, offer: Offer): Promise<void> {
  const { gate } = offer.source;
  const waited = performance.now();
  const cancel = new AbortController();
  call.onGone = () => cancel.abort(endOf(call));
  if (call.gone) call.onGone(call);
  call.place = "line";
  try {
    await gate.wait(cancel.signal, call.record.startedAt + dueInMs(call.record.intent.sla));
    call.place = "slot";
  } finally {
    call.record.queueMs += performance.now() - waited;
    call.onGone = undefined;
  }
}
