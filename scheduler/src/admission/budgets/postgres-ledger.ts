/**
 * Budgets in Postgres, shared by all schedulers on it. Whatever waits while one transaction is under way goes into the next, so
 * that a hundred calls at once pay for one commit. While Postgres is away, what was last known decides, where config allows it.
 */

import type { Log } from "../../log.ts";
import type { Database } from "../postgres/database.ts";
import { DatabaseAway, isRefused } from "../postgres/session.ts";
import type { Claim, Usage } from "./budget.ts";
import type { Ledger } from "./ledger.ts";
import { apply, type Operation, type Reservation, rowKey, type Shortfall } from "./operations.ts";
import { RESUME, type UsageRow } from "./sql.ts";
import { keyOf, usageOf, writeBatch } from "./write-batch.ts";

export interface PostgresLedgerOptions {
  database: Database;
  whenAway: "open" | "closed";
  log: Log;
  /** Operations kept while Postgres is away; further settlements are dropped and counted, their worst case stays reserved. */
  maxPending?: number;
}

interface Waiting {
  operation: Operation;
  resolve: (short: Shortfall | undefined) => void;
  reject: (error: Error) => void;
}

const MAX_BATCH = 256;
const RETRY_MS = 500;
const MAX_KNOWN = 100_000;

export function createPostgresLedger({ database, whenAway, log, maxPending = 50_000 }: PostgresLedgerOptions): Ledger {
  /** As last committed, and what was decided here since while Postgres was away. */
  const known = { usage: new Map<string, Usage>(), rows: new Map() };
  const queue: Waiting[] = [];
  /** Answered already, and still to be written. */
  let pending: Operation[] = [];
  let retry: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let dropped = 0;

  const submit = (operation: Operation) =>
    new Promise<Shortfall | undefined>((resolve, reject) => {
      queue.push({ operation, resolve, reject });
      flushing ??= flush();
    });

  async function flush(): Promise<void> {
    // Calls that arrive in the same turn of the event loop share the transaction.
    await new Promise(setImmediate);
    try {
      while (queue.length > 0) {
        const waiting = queue.splice(0, MAX_BATCH);
        await write(pending.splice(0, MAX_BATCH), waiting);
      }
    } finally {
      // At once: what is submitted between the last look at the line and this would wait for the next one.
      flushing = undefined;
    }
  }

  async function write(late: Operation[], waiting: Waiting[]): Promise<void> {
    const operations = [...late, ...waiting.map(({ operation }) => operation)];
    try {
      const { shortfalls, usage } = await database.run((query) => writeBatch(query, operations, new Set(late)));
      for (const operation of late) forgetRows(operation);
      for (const [key, now] of usage) remember(key, now);
      for (const [index, { resolve }] of waiting.entries()) resolve(shortfalls[late.length + index]);
    } catch (error) {
      if (isRefused(error)) return operations.length > 1 ? writeSingly(late, waiting) : refuse(operations, waiting, error as Error);
      if (!(error instanceof DatabaseAway)) log.error("budgets could not be written", { reason: (error as Error).message });
      pending = [...late, ...pending];
      for (const each of waiting) decideHere(each, error as Error);
      scheduleRetry();
    }
  }

  /** What Postgres will never take must not hold up what came with it. */
  async function writeSingly(late: Operation[], waiting: Waiting[]): Promise<void> {
    for (const operation of late) await write([operation], []);
    for (const each of waiting) await write([], [each]);
  }

  function refuse(operations: readonly Operation[], waiting: readonly Waiting[], error: Error): void {
    const kept = operations.filter(({ kind }) => kind !== "read" && kind !== "reserve");
    log.error("Postgres refuses a change of budgets", { reason: error.message, lost: kept.length });
    dropped += kept.length;
    for (const { operation, resolve, reject } of waiting) {
      if (operation.kind === "settle") resolve(undefined);
      else reject(error);
    }
  }

  /** Whether the transaction was committed may be unknown: what is written later is safe to repeat. */
  function decideHere({ operation, resolve, reject }: Waiting, error: Error): void {
    if (operation.kind === "reserve" && whenAway === "closed") {
      keep({ kind: "settle", reservation: operation.reservation, cost: 0 });
      reject(new DatabaseAway("Postgres is away", { cause: error }));
      return;
    }
    const short = apply(known, operation);
    if (operation.kind === "reserve" && !short) keep({ kind: "record", reservation: operation.reservation });
    if (operation.kind === "settle") keep(operation);
    resolve(short);
  }

  function keep(operation: Operation): void {
    if (pending.length < maxPending) pending.push(operation);
    else dropped++;
  }

  function scheduleRetry(): void {
    if (retry || pending.length === 0) return;
    retry = setTimeout(() => {
      retry = undefined;
      if (pending.length > 0) void submit({ kind: "read", reservation: NOTHING });
    }, RETRY_MS);
    retry.unref();
  }

  function forgetRows({ reservation }: Operation): void {
    for (const claim of reservation.claims) known.rows.delete(rowKey(reservation.decisionId, claim));
  }

  function remember(key: string, usage: Usage): void {
    known.usage.delete(key);
    known.usage.set(key, usage);
    if (known.usage.size <= MAX_KNOWN) return;
    // Read again when it is needed.
    const [oldest] = known.usage.keys();
    if (oldest !== undefined) known.usage.delete(oldest);
  }

  return {
    get pending() {
      return pending.length;
    },
    get dropped() {
      return dropped;
    },
    usageOf: (claim) => known.usage.get(claim.key),
    known: () => known.usage,
    async load(claims, which) {
      const unknown = which === "all" ? claims : claims.filter((claim) => !known.usage.has(claim.key));
      if (unknown.length > 0) await submit({ kind: "read", reservation: { ...NOTHING, claims: unknown } });
    },
    reserve: (reservation) => submit({ kind: "reserve", reservation }),
    async settle(reservation, cost) {
      await submit({ kind: "settle", reservation, cost });
    },
    async resume(claims) {
      const keys = JSON.stringify(claims.map(({ scope, id, period }: Claim) => ({ scope, id, period })));
      for (const row of await database.run((query) => query<UsageRow>(RESUME, [keys]))) remember(keyOf(row), usageOf(row));
    },
    async close() {
      clearTimeout(retry);
      if (pending.length > 0) await submit({ kind: "read", reservation: NOTHING });
      await flushing;
      if (pending.length > 0) log.warn("settlements were not written: their worst case stays reserved", { pending: pending.length });
    },
  };
}

const NOTHING: Reservation = { decisionId: "", session: "", claims: [], amount: 0 };
