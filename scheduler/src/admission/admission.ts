/** May this call be served? Stops, rate limits and budgets, in one ticket per call. */

import { type BudgetState, ResponseHeader } from "@signalbox/otel/conventions";
import type { Candidate, Demand } from "../placement/candidate.ts";
import { type Call, endOf } from "../relay/call.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import type { BudgetBook } from "./budgets/book.ts";
import type { Claim } from "./budgets/budget.ts";
import { type Standing, standingOf, stateAtLimit } from "./budgets/ladder.ts";
import type { Ledger } from "./budgets/ledger.ts";
import type { Reservation } from "./budgets/operations.ts";
import { type CallSize, worstCase } from "./budgets/worst-case.ts";
import type { Identity } from "./identity.ts";
import type { Database } from "./postgres/database.ts";
import { DatabaseAway } from "./postgres/session.ts";
import type { Principal } from "./principal.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { budgetPaused, budgetRefusal, databaseAwayRefusal, describeBudget, stopRefusal } from "./refusals.ts";
import { scopedId } from "./scoped-id.ts";
import type { AgentTree } from "./stop/agent-tree.ts";
import type { Controls } from "./stop/controls.ts";
import type { InFlight } from "./stop/in-flight.ts";
import type { Stopper } from "./stop/stopper.ts";

export interface Ticket {
  /** Undefined where no budget applies. */
  readonly budgetState: BudgetState | undefined;
  /** For the client; complete once admitted. */
  readonly headers: Record<string, string>;
  /** What budgets add to what the request asks of a pool. */
  demand(demand: Demand): Demand;
  /**
   * Enters the call among those in flight and sets its worst case aside. Call `end` whatever comes of it.
   * @param candidates in the order of the placement, the choice first
   * @returns undefined where it is admitted already
   * @throws HttpError for a stop, a rate or a budget
   */
  admit(call: Call, candidates: readonly Candidate[], size: CallSize): Promise<void> | undefined;
  /** The call has ended and its attempts are settled. */
  end(record: DecisionRecord): void;
}

/**
 * A promise only where a budget applies: most calls go on in the same turn of the event loop.
 * @param oneOff its session is this call alone, and need not be remembered
 */
export type OpenTicket = (principal: Principal, identity: Identity, oneOff: boolean) => Ticket | Promise<Ticket>;

export interface AdmissionParts {
  tree: AgentTree;
  inFlight: InFlight;
  controls: Controls;
  stopper: Stopper;
  rates: RateLimiter;
  book: BudgetBook;
  ledger: Ledger;
  database: Database | undefined;
  announce: (claim: Claim, state: BudgetState) => void;
}

const BYTES_PER_TOKEN = 4;
const NO_WORST: ReadonlyMap<string, number> = new Map();

/** Opens tickets; asks Postgres only where a budget applies whose usage is not known here yet */
export function createAdmission(parts: AdmissionParts): OpenTicket {
  const { tree, book, ledger, database, announce } = parts;

  return (principal, identity, oneOff) => {
    if (!oneOff) tree.note(identity);
    const { session, agent, user, project } = identity;
    const spender = { session: scopedId(project, session), agent: scopedId(project, agent), key: principal.key, user, project };
    const claims = book.claimsOf(spender, Date.now());
    if (claims.length > 0) return openLimited(principal, identity, claims);
    const standing = standingOf(claims, ledger.usageOf);
    return new CallTicket(parts, { principal, project, session, lineage: tree.lineage(identity), claims, standing, state: undefined });
  };

  async function openLimited(principal: Principal, identity: Identity, claims: readonly Claim[]): Promise<Ticket> {
    await ledger.load(claims, "unknown");
    let standing = standingOf(claims, ledger.usageOf);
    if (standing.state === "paused" || standing.state === "killed") {
      // A refused call reserves nothing, so it would never learn that another scheduler resumed.
      await ledger.load(claims, "all");
      standing = standingOf(claims, ledger.usageOf);
    }
    let state: BudgetState = standing.state;
    if (state === "ok" && database && !database.up) state = "stale";
    if (standing.claim) announce(standing.claim, standing.state);
    const { session, project } = identity;
    return new CallTicket(parts, { principal, project, session, lineage: tree.lineage(identity), claims, standing, state });
  }
}

interface Admitted {
  principal: Principal;
  project: string | undefined;
  session: string;
  lineage: readonly string[];
  claims: readonly Claim[];
  standing: Standing;
  state: BudgetState | undefined;
}

/**
 * A class, and no object literal with a getter: V8 gives each of those a hidden class of its own, which lives until the next major
 * garbage collection and holds the getter, so that the whole call (10 KB) grew old: 15 ms for each minor collection instead of 1.
 */
class CallTicket implements Ticket {
  budgetState: BudgetState | undefined;
  readonly headers: Record<string, string>;
  readonly #parts: AdmissionParts;
  readonly #admitted: Admitted;
  /** Of the call, and of another attempt after one that may have been charged. */
  readonly #reservations: Reservation[] = [];
  #leave: (() => void) | undefined;
  /** From the key's tokens per minute. */
  #takenTokens: number | undefined;
  /** The worst case of each candidate that may be tried, by pool and model. */
  #worst = NO_WORST;

  constructor(parts: AdmissionParts, admitted: Admitted) {
    const { state } = admitted;
    this.#parts = parts;
    this.#admitted = admitted;
    this.budgetState = state;
    this.headers = state === undefined ? {} : { [ResponseHeader.budget]: state };
  }

  demand(demand: Demand): Demand {
    const { claims, standing } = this.#admitted;
    if (claims.length === 0) return demand;
    return { ...demand, pricedOnly: true, cheapestSilicon: standing.state === "rerouted" };
  }

  admit(call: Call, candidates: readonly Candidate[], size: CallSize): Promise<void> | undefined {
    const { claims, lineage } = this.#admitted;
    this.#leave = this.#parts.inFlight.enter(call, lineage);
    this.#refuseStopped();
    this.#takeRate(size, call.record);
    if (claims.length > 0 && candidates.length > 0) return this.#reserve(call, candidates, size);
    if (call.gone) throw endOf(call);
    return undefined;
  }

  end({ attempts }: DecisionRecord): void {
    const { ledger, rates, announce, controls } = this.#parts;
    const { principal, claims, lineage } = this.#admitted;
    this.#leave?.();
    if (this.#takenTokens !== undefined && principal.key !== undefined) {
      const used = attempts.reduce((sum, { usage }) => sum + (usage ? usage.input + usage.output : 0), 0);
      rates.correct(principal.key, this.#takenTokens - used);
    }
    const [first, ...again] = this.#reservations;
    if (!first) return;
    const cost = this.#costOf(attempts);
    for (const each of again) void ledger.settle(each, 0);
    void ledger.settle(first, cost).then(() => {
      const after = standingOf(claims, ledger.usageOf);
      if (!after.claim) return;
      announce(after.claim, after.state);
      if (after.state === "killed" && controls.stopOf(lineage)?.state !== "killed") void this.#kill(after.claim);
    });
  }

  #refuseStopped(): void {
    const { session, lineage, standing } = this.#admitted;
    const stop = this.#parts.controls.stopOf(lineage);
    if (stop) throw stopRefusal(stop);
    if (!standing.claim) return;
    if (standing.state === "killed") {
      void this.#kill(standing.claim);
      throw stopRefusal({ id: session, state: "killed", reason: `${describeBudget(standing.claim)} is spent` });
    }
    if (standing.state === "paused") throw budgetPaused(standing.claim, standing.usage);
  }

  #takeRate({ promptBytes, maxTokens }: CallSize, { expectedOutputTokens }: DecisionRecord): void {
    const { principal } = this.#admitted;
    if (principal.key === undefined) return;
    const tokens = Math.ceil(promptBytes / BYTES_PER_TOKEN + (maxTokens ?? expectedOutputTokens));
    const taken = this.#parts.rates.take(principal.key, principal, tokens, performance.now());
    Object.assign(this.headers, taken.headers);
    this.#takenTokens = taken.tokens;
  }

  async #reserve(call: Call, candidates: readonly Candidate[], size: CallSize): Promise<void> {
    const { session, claims } = this.#admitted;
    const { ledger, announce } = this.#parts;
    this.#worst = new Map(candidates.map((candidate) => [nameOf(candidate), worstCase(candidate, size) ?? 0]));
    // The choice and the one after it: most pools that fail have taken nothing.
    const amount = Math.max(...candidates.slice(0, 2).map((candidate) => this.#worstOf(candidate)));
    const asked = { decisionId: call.record.decisionId, session, claims, amount };
    const short = await ledger.reserve(asked).catch((error) => {
      throw error instanceof DatabaseAway ? databaseAwayRefusal() : error;
    });
    if (!short) {
      this.#reservations.push(asked);
      call.mayRetry = (next) => this.#reserveAgain(call, asked, next);
      if (call.gone) throw endOf(call);
      return;
    }
    if (!short.held) {
      this.budgetState = stateAtLimit(short.claim, short.usage);
      this.headers[ResponseHeader.budget] = this.budgetState;
      announce(short.claim, this.budgetState);
      if (this.budgetState === "killed") void this.#kill(short.claim);
    }
    throw budgetRefusal(short, amount);
  }

  /** What is set aside must hold what the attempts so far have cost, or may have, and what the next one may. */
  async #reserveAgain({ record }: Call, first: Reservation, next: Candidate): Promise<boolean> {
    const held = this.#reservations.reduce((sum, each) => sum + each.amount, 0);
    const amount = this.#costOf(record.attempts) + this.#worstOf(next) - held;
    if (amount <= 0) return true;
    const again = { ...first, amount, decisionId: `${first.decisionId}.${this.#reservations.length}` };
    const short = await this.#parts.ledger.reserve(again).catch((): "away" => "away");
    if (!short) this.#reservations.push(again);
    return !short;
  }

  /** A cost that nobody knows counts at the most it can be. */
  #costOf(attempts: DecisionRecord["attempts"]): number {
    return attempts.reduce((sum, { costNanousd, offer }) => sum + (costNanousd ?? this.#worstOf(offer)), 0);
  }

  #worstOf(candidate: Pick<Candidate, "pool" | "model">): number {
    return this.#worst.get(nameOf(candidate)) ?? 0;
  }

  #kill(claim: Claim): Promise<unknown> {
    const reason = `${describeBudget(claim)} is spent`;
    const { project, session } = this.#admitted;
    return this.#parts.stopper.set(scopedId(project, session), "killed", { reason, source: "budget" });
  }
}

const nameOf = ({ pool, model }: Pick<Candidate, "pool" | "model">) => `${pool}\n${model}`;
