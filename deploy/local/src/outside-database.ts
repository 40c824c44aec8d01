import postgres from "postgres";
import { codeOf, messageOf, SetupError } from "./errors.ts";

/** The oldest Postgres that the schema runs on. */
const OLDEST_VERSION = 15;
const CONNECT_TIMEOUT_S = 5;

/**
 * Proves that an outside Postgres can be used before anything is started on it.
 * @returns the dashboard's connection string: `readerUrl`, else `url` with every transaction read-only.
 * @throws SetupError: nobody answers, it refuses us, the database is missing, it is too old, or we may not make a schema.
 */
export async function checkOutsideDatabase(url: string, readerUrl: string | undefined): Promise<string> {
  await probe("DATABASE_URL", url, async (sql) => {
    const [row] = await sql<{ number: number; version: string; may_create: boolean }[]>`
      select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
        has_database_privilege(current_database(), 'CREATE') or to_regnamespace('signalbox') is not null as may_create`;
    const at = placeOf(url);
    if (row && row.number < OLDEST_VERSION * 10_000) {
      throw new SetupError("database_version", `Postgres at ${at} is version ${row.version}; Signalbox needs ${OLDEST_VERSION} or newer.`);
    }
    if (row && !row.may_create) {
      throw new SetupError(
        "database_rights",
        `DATABASE_URL: user ${new URL(url).username} may not create a schema in ${at}. As its owner: GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${new URL(url).username};`,
      );
    }
  });
  if (readerUrl !== undefined) {
    await probe("DATABASE_READER_URL", readerUrl, (sql) => sql`select 1`);
    return readerUrl;
  }
  const readOnly = new URL(url);
  readOnly.searchParams.set("default_transaction_read_only", "on");
  try {
    await probe("DATABASE_URL", readOnly.href, (sql) => sql`select 1`);
    return readOnly.href;
  } catch {
    // A pooler such as PgBouncer refuses start-up parameters that it does not know.
    return url;
  }
}

async function probe(variable: string, url: string, question: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: CONNECT_TIMEOUT_S, onnotice: () => {} });
  try {
    await question(sql);
  } catch (error) {
    throw error instanceof SetupError ? error : explain(variable, url, error);
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

/** Never quotes the URL itself: it holds the password. */
function explain(variable: string, url: string, error: unknown): SetupError {
  const { username, pathname, hostname } = new URL(url);
  const at = placeOf(url);
  const embedded = `or unset ${variable} to use the embedded Postgres`;
  switch (codeOf(error)) {
    case "ECONNREFUSED":
      return new SetupError("database_dead", `${variable}: nothing listens at ${at}. Start that Postgres, ${embedded}.`);
    case "CONNECT_TIMEOUT":
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
      return new SetupError(
        "database_dead",
        `${variable}: no answer from ${at} within ${CONNECT_TIMEOUT_S} s. Check the address and the firewall, ${embedded}.`,
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new SetupError("database_dead", `${variable}: there is no host named ${hostname}. Correct it, ${embedded}.`);
    case "28P01":
    case "28000":
      return new SetupError(
        "database_login",
        `${variable}: Postgres at ${at} refuses user "${username}" (${messageOf(error)}). Correct the user or its password.`,
      );
    case "3D000":
      return new SetupError(
        "database_missing",
        `${variable}: Postgres at ${at} has no database "${pathname.slice(1)}". Create it: createdb ${pathname.slice(1)}`,
      );
    default:
      return new SetupError("database_dead", `${variable}: cannot use Postgres at ${at}: ${messageOf(error)}.`);
  }
}

function placeOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === "" ? "5432" : port}`;
}
