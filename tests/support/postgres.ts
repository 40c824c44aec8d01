import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import { databaseUrl, TEMPLATE } from "./postgres-server.ts";

export interface TestDatabase {
  /** Connection string of the owner. */
  url: string;
  /** Connection string of the dashboard's read-only login. */
  readerUrl: string;
  drop(): Promise<void>;
}

/** A migrated, empty database of its own on the run's embedded Postgres. */
export async function createDatabase(): Promise<TestDatabase> {
  const server = inject("postgres");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await administer(server.url, `create database ${name} template ${TEMPLATE}`);
  return {
    url: databaseUrl(server.url, name),
    readerUrl: databaseUrl(server.readerUrl, name),
    drop: () => administer(server.url, `drop database ${name} with (force)`),
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
