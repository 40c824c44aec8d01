import postgres from "postgres";
import { environment } from "./environment.ts";
import { scopedProject } from "./project-scope.ts";

/**
 * The one pool of read-only connections. Connected at the first query, so that a build needs no database. Next bundles this
 * module once for each route: the pool lives on globalThis, so that there is one a process.
 */
const MAX_CONNECTIONS = 8;
const STATEMENT_TIMEOUT_MS = 10_000;
/** How long a query may wait for a connection and its answer: a page says that Postgres is away rather than hang. */
const QUERY_TIMEOUT_MS = 12_000;
const CONNECT_TIMEOUT_S = 3;
/** Groups of a month's sessions are hashed in memory: with Postgres' own 4 MB they are sorted in files. */
const WORK_MEM = "32MB";
/** What a page looks for by an index is in memory or on an SSD; Postgres' own 4 is a disk's, and makes it read whole tables instead. */
const RANDOM_PAGE_COST = 1.1;

/** What queries are written with: a pool, or one transaction of it. */
export type Sql = postgres.ISql;
/** A piece of SQL, with its parameters, that goes into a larger one. */
export type SqlPart = postgres.Fragment;

/** Postgres cannot be reached, or is not ready. The caller should say so and try again. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

const shared = globalThis as typeof globalThis & { signalboxSql?: postgres.Sql };

/** Options that hold for every connection of the dashboard; timestamps come as text, so that no digit is lost. */
export function connectionOptions(): postgres.Options<Record<string, postgres.PostgresType>> {
  return {
    connect_timeout: CONNECT_TIMEOUT_S,
    // a page that waits for a database to come back should not wait for a growing backoff as well
    backoff: () => 0.5,
    onnotice: () => {},
    types: { timestamptz: { to: 1184, from: [1184], serialize: (value: unknown) => String(value), parse: (text: string) => text } },
    connection: { application_name: "signalbox-web", search_path: "signalbox", TimeZone: "UTC" },
  };
}

export function database(): postgres.Sql {
  if (shared.signalboxSql) return shared.signalboxSql;
  if (environment.databaseUrl() === "")
    throw new DatabaseUnavailable("DATABASE_URL is not set: start through `npx signalbox up`, or set it to a read-only login");
  const options = connectionOptions();
  shared.signalboxSql = postgres(environment.databaseUrl(), {
    ...options,
    max: MAX_CONNECTIONS,
    idle_timeout: 60,
    connection: {
      ...options.connection,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      default_transaction_read_only: true,
      work_mem: WORK_MEM,
      random_page_cost: RANDOM_PAGE_COST,
      // compiling a page's query takes longer than running it
      jit: "off",
      // a page's queries share the cores already: starting workers for one of them took more than they saved (127 ms of CPU in place of 98); as text,
      // for the driver leaves out what is 0
      max_parallel_workers_per_gather: "0",
    },
  });
  return shared.signalboxSql;
}

export async function closeDatabase(): Promise<void> {
  await shared.signalboxSql?.end({ timeout: 1 });
  shared.signalboxSql = undefined;
}

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "CONNECT_TIMEOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
]);
/** SQLSTATE classes that say "not now": connection exceptions, too many connections, shutdown and start-up, statement timeout. */
const UNAVAILABLE_STATES = /^(08|53|57P0[0-5]|57014)/;

export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return CONNECTION_CODES.has(error.code) || UNAVAILABLE_STATES.test(error.code);
}

/** A request of one project reads as a role whose policies show that project alone: see migration 000012. */
async function readProject<T>(project: string, query: (sql: Sql) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await database().begin("read only", async (transaction) => {
    await transaction`set local role signalbox_project`;
    await transaction`select set_config('signalbox.project', ${project}, true)`;
    result = await query(transaction);
  });
  return result as T;
}

/** Runs one read. Throws DatabaseUnavailable where Postgres is away or silent, and the driver's own error for anything else. */
export async function read<T>(query: (sql: Sql) => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DatabaseUnavailable(`Postgres did not answer within ${QUERY_TIMEOUT_MS / 1000} s`)),
      QUERY_TIMEOUT_MS,
    );
  });
  try {
    const project = scopedProject();
    return await Promise.race([project === undefined ? query(database()) : readProject(project, query), timeout]);
  } catch (error) {
    if (error instanceof DatabaseUnavailable || !isUnavailable(error)) throw error;
    throw new DatabaseUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
