/** Budgets as the control API shows and changes them. */

import { NotifyChannel } from "@signalbox/otel/conventions";
import { nanousdToUsd } from "@signalbox/otel/prices";
import type { Database } from "../postgres/database.ts";
import type { Query } from "../postgres/session.ts";
import { BETWEEN, plainId, projectOf, scopedId, withProject } from "../scoped-id.ts";
import type { AgentTree } from "../stop/agent-tree.ts";
import type { BudgetBook } from "./book.ts";
import { type Budget, type BudgetPeriod, type BudgetScope, type Claim, EVERY_ID, GLOBAL_ID, type Rung, type Usage } from "./budget.ts";
import { standingOf } from "./ladder.ts";
import type { Ledger } from "./ledger.ts";
import { LIST_USAGE, READ_BUDGETS, SAME_ID_OF_PROJECTS, type UsageRow, WRITE_BUDGET } from "./sql.ts";
import { keyOf, usageOf } from "./write-batch.ts";

export interface BudgetAdmin {
  /** Sets a budget, and lifts the pause of the id it is for. @throws DatabaseAway: nothing is changed then */
  put(budget: Omit<Budget, "source">): Promise<void>;
  definitions(): object[];
  /** Usage of ids that calls have drawn on, in the order of the key. @throws DatabaseAway */
  list(page: UsagePage): Promise<{ data: object[]; next: string | null }>;
  /** Lifts the pauses of a session's own budget and of its agents'; of a plain id in every project. @throws DatabaseAway */
  resume(session: string): Promise<void>;
}

export interface UsagePage {
  scope: BudgetScope | undefined;
  /** What `next` of the page before said. */
  after: string | undefined;
  limit: number;
}

interface BudgetRow {
  scope: BudgetScope;
  id: string;
  period: BudgetPeriod;
  limit_nusd: string;
  ladder: Rung[];
}

export interface BudgetAdminParts {
  book: BudgetBook;
  ledger: Ledger;
  database: Database | undefined;
  tree: AgentTree;
}

export function createBudgetAdmin({ book, ledger, database, tree }: BudgetAdminParts): BudgetAdmin {
  async function readStored(query: Query): Promise<void> {
    const rows = await query<BudgetRow>(READ_BUDGETS);
    book.replaceStored(rows.map(({ limit_nusd, ...row }) => ({ ...row, limitNanousd: Number(limit_nusd), source: "api" })));
  }
  database?.onUp(readStored);
  // Of this scheduler or another. Where reading fails the connection is lost, and the next one reads them.
  database?.onNotify(NotifyChannel.budgets, () => void database.run(readStored).catch(() => {}));

  const claimsOf = (scope: BudgetScope, id: string) => book.claimsOf({ [scope]: id }, Date.now()).filter((claim) => claim.scope === scope);

  async function lift(claims: readonly Claim[]): Promise<void> {
    await ledger.load(claims, "all");
    const paused = claims.filter((claim) => ["paused", "killed"].includes(standingOf([claim], ledger.usageOf).state));
    if (paused.length > 0) await ledger.resume(paused);
  }

  /** A plain id, and the same of every project that has spent by it. */
  async function inEveryProject(id: string): Promise<string[]> {
    if (projectOf(id) !== undefined) return [id];
    const rows = database
      ? await database.run((query) => query<{ id: string }>(SAME_ID_OF_PROJECTS, [BETWEEN + id]))
      : [...ledger.known()].map(([key, usage]) => toRow(key, usage)).filter((row) => row.id.endsWith(BETWEEN + id));
    return [...new Set([id, ...rows.map((row) => row.id)])];
  }

  async function usageRows({ scope, after, limit }: UsagePage): Promise<UsageRow[]> {
    const from = after === undefined ? ["", "", ""] : (JSON.parse(after) as string[]);
    if (database) {
      const [lastScope = "", id = "", period = ""] = from;
      return database.run((query) => query<UsageRow>(LIST_USAGE, [lastScope, id, period, limit + 1, scope ?? ""]));
    }
    return [...ledger.known()]
      .map(([key, usage]) => toRow(key, usage))
      .filter((row) => (scope === undefined || row.scope === scope) && isAfter(row, from))
      .sort((a, b) => (isAfter(a, placeOf(b)) ? 1 : -1))
      .slice(0, limit + 1);
  }

  return {
    async put(budget) {
      const { scope, id, period, limitNanousd, ladder } = budget;
      const parameters = [scope, id, period, limitNanousd, JSON.stringify(ladder), new Date().toISOString()];
      await database?.run((query) => query(WRITE_BUDGET, parameters));
      book.put({ ...budget, source: "api" });
      if (id !== EVERY_ID) await lift((await inEveryProject(id)).flatMap((each) => claimsOf(scope, each)));
    },
    definitions: () =>
      book.all().map(({ limitNanousd, ...budget }) => ({
        ...budget,
        limit_usd: nanousdToUsd(limitNanousd),
        limit_nanousd: String(limitNanousd),
      })),
    async list(page) {
      const rows = await usageRows(page);
      const shown = rows.slice(0, page.limit);
      const last = shown.at(-1);
      return { data: shown.map(describe), next: rows.length > page.limit && last ? JSON.stringify(placeOf(last)) : null };
    },
    async resume(session) {
      for (const id of await inEveryProject(session)) {
        const agents = [id, ...tree.descendants(id).map((agent) => scopedId(projectOf(id), agent))];
        await lift([...claimsOf("session", id), ...agents.flatMap((agent) => claimsOf("agent", agent))]);
      }
    },
  };

  function describe(row: UsageRow): object {
    const { scope, id, period } = row;
    const usage = usageOf(row);
    const claim = book.claimsOf(scope === "global" ? {} : { [scope]: id }, Date.now()).find(({ key }) => key === keyOf(row));
    const limit = claim?.budget.limitNanousd;
    return {
      scope,
      id: plainId(id),
      ...withProject(id),
      period,
      spent_usd: nanousdToUsd(usage.spent),
      spent_nanousd: String(usage.spent),
      reserved_usd: nanousdToUsd(usage.reserved),
      reserved_nanousd: String(usage.reserved),
      limit_usd: limit === undefined ? null : nanousdToUsd(limit),
      limit_nanousd: limit === undefined ? null : String(limit),
      // A period that is over, or a budget that was taken out of the config.
      state: claim ? standingOf([claim], () => usage).state : null,
    };
  }
}

const placeOf = ({ scope, id, period }: UsageRow) => [scope, id, period];

function isAfter(row: UsageRow, place: readonly string[]): boolean {
  for (const [at, value] of placeOf(row).entries()) if (value !== place[at]) return value > (place[at] ?? "");
  return false;
}

function toRow(key: string, { spent, reserved, resumed }: Readonly<Usage>): UsageRow {
  const [scope = "", period = "", ...id] = key.split("\n");
  return {
    scope,
    id: id.join("\n") || GLOBAL_ID,
    period,
    spent_nusd: String(spent),
    reserved_nusd: String(reserved),
    resumed_nusd: String(resumed),
  };
}
