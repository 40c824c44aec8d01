/** Admission put together: what the chat handler, the control API, the hooks and the metrics each see of it. */

import type { BudgetState } from "@signalbox/otel/conventions";
import type { Config } from "../config/schema.ts";
import { type ControlEvents, createControlEvents } from "../control/events.ts";
import type { Log } from "../log.ts";
import { createAdmission, type OpenTicket } from "./admission.ts";
import { type AdmitAside, createAsideAdmission } from "./aside.ts";
import { type BudgetAdmin, createBudgetAdmin } from "./budgets/admin.ts";
import { createBudgetBook } from "./budgets/book.ts";
import type { Claim } from "./budgets/budget.ts";
import type { Ledger } from "./budgets/ledger.ts";
import { createMemoryLedger } from "./budgets/memory-ledger.ts";
import { followOrphans } from "./budgets/orphans.ts";
import { createPostgresLedger } from "./budgets/postgres-ledger.ts";
import type { Identity } from "./identity.ts";
import { createDatabase, type Database } from "./postgres/database.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { stopRefusal } from "./refusals.ts";
import { createAgentTree } from "./stop/agent-tree.ts";
import { type Controls, createControls } from "./stop/controls.ts";
import { createInFlight, type InFlight } from "./stop/in-flight.ts";
import { createStopper, type Stopper } from "./stop/stopper.ts";
import { type FindStoredKey, followStoredKeys } from "./stored-keys.ts";

export interface AdmissionService {
  open: OpenTicket;
  /** For what is neither counted nor recorded. @throws HttpError where a stop holds for the caller */
  refuseStopped(identity: Identity): void;
  /** Of the scheduler's own calls. */
  admitAside: AdmitAside;
  stopper: Stopper;
  controls: Controls;
  events: ControlEvents;
  budgets: BudgetAdmin;
  ledger: Ledger;
  inFlight: InFlight;
  /** For what else is kept there; undefined where none is configured. */
  postgres: Database | undefined;
  /** Keys that were made in the dashboard. */
  storedKey: FindStoredKey;
  /** Budgets of another config. */
  configure(config: Pick<Config, "budgets">): void;
  /** For `/readyz`: `up`, `none` where no database is configured, or why it is away. */
  database(): string;
  /** Resolves after the first try to reach Postgres, so that stops are known before the first call. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface AdmissionServiceOptions {
  config: Pick<Config, "budgets" | "admission">;
  databaseUrl: string | undefined;
  /** Did a call of this id end here a moment ago? Those that are one session each are remembered nowhere else. */
  decidedOn: (id: string) => boolean;
  log: Log;
}

/** Budgets whose last announced state is remembered. */
const MAX_ANNOUNCED = 10_000;

export function createAdmissionService({ config, databaseUrl, decidedOn, log }: AdmissionServiceOptions): AdmissionService {
  const database = databaseUrl === undefined ? undefined : createDatabase({ url: databaseUrl, log });
  const whenAway = config.admission.when_database_is_away;
  const book = createBudgetBook(config.budgets);
  const ledger = database ? createPostgresLedger({ database, whenAway, log }) : createMemoryLedger();
  const tree = createAgentTree();
  const inFlight = createInFlight();
  const controls = createControls(database, log);
  const events = createControlEvents();
  const stopper = createStopper({ tree, inFlight, decidedOn, controls, events, database, log });
  const budgets = createBudgetAdmin({ book, ledger, database, tree });
  const announce = createAnnouncer(events, log);
  let stopFollowing = () => {};

  return {
    open: createAdmission({ tree, inFlight, controls, stopper, rates: createRateLimiter(), book, ledger, database, announce }),
    refuseStopped(identity) {
      const stop = controls.stopOf(tree.lineage(identity));
      if (stop) throw stopRefusal(stop);
    },
    admitAside: createAsideAdmission({ book, ledger }),
    stopper,
    controls,
    events,
    budgets,
    ledger,
    inFlight,
    postgres: database,
    storedKey: followStoredKeys(database, log),
    configure: (next) => book.replaceConfigured(next.budgets),
    database: () => (database ? (database.awayBecause === undefined ? "up" : `away: ${database.awayBecause}`) : "none"),
    async start() {
      if (!database) {
        if (config.budgets.length > 0) log.warn("budgets are held in memory and forgotten at the end: set DATABASE_URL to keep them");
        return;
      }
      await database.start();
      stopFollowing = followOrphans(database, log);
    },
    async close() {
      stopFollowing();
      await ledger.close();
      await database?.close();
    },
  };
}

/** Tells followers and the log once when a budget reaches another rung. */
function createAnnouncer(events: ControlEvents, log: Log): (claim: Claim, state: BudgetState) => void {
  const announced = new Map<string, BudgetState>();
  return ({ key, scope, id, period }, state) => {
    if (announced.get(key) === state) return;
    if (announced.size >= MAX_ANNOUNCED) announced.clear();
    announced.set(key, state);
    events.publish(`budget.${state}`, { scope, id, period, state });
    log.warn("budget", { scope, id, period, state });
  };
}
