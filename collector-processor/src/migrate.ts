import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import postgres from "postgres";

const MIGRATIONS = new URL("../migrations/", import.meta.url);
/** "signalbo" in ASCII: every process that migrates a database waits on this advisory lock. */
const LOCK = "8316291910694888047";
const CONNECT_TIMEOUT_MS = 10_000;

interface Migration {
  name: string;
  text: string;
  /** sha-256 of the file, hex */
  checksum: string;
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      // A checkout with CRLF line ends is the same migration.
      const text = (await readFile(new URL(name, directory), "utf8")).replaceAll("\r\n", "\n");
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

/**
 * Brings the database to this build's schema: applies every file of `migrations/` that signalbox.migrations does not list yet,
 * in order, each in a transaction of its own. Any number of processes may call it at once: they take turns.
 *
 * Resolves to the names of the files that this call applied. Rejects when the database cannot be reached, when an applied file
 * was edited since, or when the database was migrated by a newer build.
 */
export async function migrate(databaseUrl: string, directory: URL = MIGRATIONS): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(directory);
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, fetch_types: false });
  const applied: string[] = [];
  try {
    await connected(sql);
    // One transaction a file: a process that waited its turn finds the file already listed.
    for (const migration of migrations) {
      await sql.begin(async (transaction) => {
        await transaction`select pg_advisory_xact_lock(${LOCK}::bigint)`;
        await transaction.unsafe(`create schema if not exists signalbox;
          create table if not exists signalbox.migrations (name text primary key, checksum text not null, applied_at timestamptz not null)`);
        const listed = await transaction<
          { name: string; checksum: string }[]
        >`select name, checksum from signalbox.migrations order by name`;
        refuseUnknown(listed, migrations);
        const before = listed.find((row) => row.name === migration.name);
        if (before !== undefined) return refuseEdited(before, migration);
        await transaction.unsafe(migration.text);
        await transaction`insert into signalbox.migrations values (${migration.name}, ${migration.checksum}, now())`;
        applied.push(migration.name);
      });
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
  return { applied };
}

/** The driver tries a server that accepts and closes for ever: so does one that has just been killed, and the caller would never try again. */
async function connected(sql: postgres.Sql): Promise<void> {
  const giveUp = setTimeout(() => void sql.end({ timeout: 0 }), CONNECT_TIMEOUT_MS);
  try {
    await sql`select 1`;
  } finally {
    clearTimeout(giveUp);
  }
}

function refuseEdited(before: { name: string; checksum: string }, migration: Migration): void {
  if (before.checksum === migration.checksum) return;
  throw new Error(
    `migration ${migration.name} was edited after it was applied to this database: restore the file, and put the change into a new one`,
  );
}

function refuseUnknown(listed: { name: string }[], migrations: Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name));
  const unknown = listed.find((row) => !known.has(row.name));
  if (unknown === undefined) return;
  throw new Error(`the database has migration ${unknown.name}, which this build does not know: run the newer build, or another database`);
}
