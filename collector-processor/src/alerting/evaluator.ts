import { type Connection, ConnectionLost } from "../exporters/postgres-connection.ts";
import type { Lease } from "../lease.ts";
import type { Log } from "../log.ts";
import type { AlertingLimits } from "./alerting-config.ts";
import { isStoppable, KINDS } from "./condition.ts";
import type { Episode } from "./episodes.ts";
import { measure } from "./measure.ts";
import { fenced, LeaseLost, record, resolve } from "./record.ts";
import type { Rule } from "./rule.ts";
import type { SchedulerClient } from "./scheduler-client.ts";
import { PURGE } from "./sql/events.ts";
import { READ_RULES } from "./sql/rules.ts";
import type { Touch } from "./touched.ts";

const SECOND = 1e6;
/** Clocks of other machines may be so far ahead. */
const SKEW_MICROS = 60 * SECOND;
/** A rule rests for so many times as long as it took, so that none takes more than a twentieth of a connection's time. */
const REST = 20;
/** After the last span: steps of a window close, and late batches are committed. */
const LINGER_SECONDS = 3;
const POLL_MS = 2_000;
const RESOLVE_MS = 900;
const PURGE_MS = 3_600_000;
const HAS_OPEN = "select from signalbox.alert_events where resolved_at is null limit 1";

export interface EvaluatorOptions {
  limits: AlertingLimits;
  scheduler: SchedulerClient;
  log: Log;
  /** Milliseconds; the clock that spans are compared with. */
  now: () => number;
  /** Something was put into the outbox. */
  onQueued(): void;
}

/** Rules that were looked at, and what came of it. */
export interface EvaluatorState {
  evaluations: number;
  failures: number;
  fired: number;
}

/** What is remembered of a rule while this process evaluates. */
interface Standing {
  version: number;
  /** performance.now() before which it does not look at all sessions again */
  restsUntil: number;
  /** Changes that it has not seen yet; null: all sessions must be looked at */
  pending: Set<string> | null;
  /** since when each subject is above the threshold, of what only the scheduler knows */
  since: Map<string, number>;
}

/** Evaluates rules while its process holds the lease. */
export class Evaluator {
  readonly #connection: Connection;
  readonly #lease: Lease;
  readonly #options: EvaluatorOptions;
  readonly #state: EvaluatorState;
  readonly #standings = new Map<string, Standing>();
  #lastIngest = Number.NEGATIVE_INFINITY;
  #lastScan = performance.now();
  #lastResolve = Number.NEGATIVE_INFINITY;
  #lastPurge = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection, held: Lease, options: EvaluatorOptions, state: EvaluatorState) {
    this.#connection = connection;
    this.#lease = held;
    this.#options = options;
    this.#state = state;
  }

  /** One turn: the rules that what was touched, or the time, concerns. @throws LeaseLost, and ConnectionLost */
  async run(touch: Touch): Promise<void> {
    const { limits, now } = this.#options;
    const started = performance.now();
    if (touch.all || touch.sessions.length > 0) this.#lastIngest = started;
    const isScan = started - this.#lastScan >= limits.scan_seconds * 1000;
    if (isScan) this.#lastScan = started;
    if (started - this.#lastPurge > PURGE_MS) {
      this.#lastPurge = started;
      await this.#connection.query(PURGE, [now() * 1000, limits.keep_days]);
    }
    const rules = await this.#connection.query<Rule>(READ_RULES);
    for (const id of this.#standings.keys()) if (!rules.some(({ rule_id }) => rule_id === id)) this.#standings.delete(id);
    for (const rule of rules) {
      const standing = this.#standingOf(rule);
      for (const session of touch.sessions) standing.pending?.add(session);
      if (touch.all || isScan || (standing.pending?.size ?? 0) > limits.touched_sessions) standing.pending = null;
      const rests = performance.now() < standing.restsUntil && !isOfTouched(rule, standing.pending);
      if (rests || !this.#isDue(rule, standing)) continue;
      await this.#lease.hold();
      await this.#evaluate(rule, standing);
    }
    if (started - this.#lastResolve >= RESOLVE_MS && (await this.#connection.query(HAS_OPEN)).length > 0) {
      this.#lastResolve = started;
      await fenced(this.#connection, this.#lease, () =>
        resolve(this.#connection, now() * 1000, limits.session_over_seconds, limits.group_seconds),
      );
      this.#options.onQueued();
    }
  }

  #standingOf(rule: Rule): Standing {
    const before = this.#standings.get(rule.rule_id);
    if (before !== undefined && before.version === rule.version) return before;
    const standing: Standing = { version: rule.version, restsUntil: 0, pending: null, since: new Map() };
    this.#standings.set(rule.rule_id, standing);
    return standing;
  }

  #isDue({ condition, for_seconds }: Rule, { pending }: Standing): boolean {
    const isByTouch = isStoppable(condition);
    if (KINDS[condition.kind].live || condition.kind === "silence") return true;
    if (pending === null || (isByTouch && pending.size > 0)) return true;
    // what depends on the time that passes, too
    const isTimed = !isByTouch || for_seconds > 0 || KINDS[condition.kind].unit === "share";
    return isTimed && performance.now() - this.#lastIngest < (LINGER_SECONDS + for_seconds) * 1000;
  }

  async #evaluate(rule: Rule, standing: Standing): Promise<void> {
    const { limits, log, onQueued } = this.#options;
    const started = performance.now();
    const now = this.#options.now() * 1000;
    const { pending } = standing;
    standing.pending = new Set();
    try {
      const episodes = await this.#episodes(rule, standing, pending, now);
      const complete = KINDS[rule.condition.kind].live || rule.condition.kind === "silence";
      this.#state.evaluations++;
      if (episodes.length > 0 || complete) {
        const notBefore = now - limits.late_seconds * SECOND;
        const fired = await fenced(this.#connection, this.#lease, () =>
          record(this.#connection, { rule, episodes, now, notBefore, complete }, limits.group_seconds),
        );
        this.#state.fired += fired;
        if (fired > 0) onQueued();
      }
    } catch (error) {
      standing.pending = null;
      if (error instanceof LeaseLost || error instanceof ConnectionLost) throw error;
      this.#state.failures++;
      log.warn("a rule could not be evaluated", { rule: rule.name, error: (error as Error).message });
    }
    const finished = performance.now();
    const isLive = KINDS[rule.condition.kind].live;
    // after a look at a few touched sessions the next one need not wait
    if (!isOfTouched(rule, pending)) standing.restsUntil = finished + (isLive ? POLL_MS : (finished - started) * REST);
  }

  async #episodes(rule: Rule, standing: Standing, pending: Set<string> | null, now: number): Promise<Episode[]> {
    const { condition, project, for_seconds } = rule;
    if (KINDS[condition.kind].live) return this.#loads(rule, standing, now);
    const { late_seconds, resolve_seconds } = this.#options.limits;
    return measure(this.#connection, condition, {
      project,
      sessions: isOfTouched(rule, pending) ? [...pending] : null,
      from: now - late_seconds * SECOND,
      to: now + SKEW_MICROS,
      now,
      forSeconds: for_seconds,
      resolveSeconds: resolve_seconds,
    });
  }

  /** What only the scheduler knows, and only as it is now. */
  async #loads({ condition, for_seconds }: Rule, { since }: Standing, now: number): Promise<Episode[]> {
    const { scheduler } = this.#options;
    const loads = condition.kind === "budget" ? await scheduler.budgets() : await scheduler.pools();
    const above = loads.filter(({ value }) => value > condition.threshold);
    for (const subject of since.keys()) if (!above.some((load) => load.subject === subject)) since.delete(subject);
    return above.flatMap(({ subject, value }) => {
      const start = since.get(subject) ?? now;
      since.set(subject, start);
      if (start + for_seconds * SECOND > now) return [];
      return { subject, sessionId: null, start: start + for_seconds * SECOND, end: null, peak: value };
    });
  }
}

/** Whether it is enough to look at the sessions that were touched: what depends on the time that passes looks at all. */
const isOfTouched = ({ condition, for_seconds }: Rule, pending: Set<string> | null): pending is Set<string> =>
  pending !== null && isStoppable(condition) && for_seconds === 0 && KINDS[condition.kind].unit !== "share";
