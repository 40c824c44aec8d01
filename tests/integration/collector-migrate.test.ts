import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { migrate } from "@signalbox/collector-processor/migrate";
import postgres from "postgres";
import { afterEach, beforeEach, expect, inject, it } from "vitest";
import { databaseUrl } from "../support/postgres-server.ts";

let admin: postgres.Sql;
let name: string;
let url: string;
let files: string;
beforeEach(async () => {
  admin = postgres(inject("postgres").url, { max: 1, onnotice: () => {} });
  name = `migrate_${Math.random().toString(36).slice(2)}`;
  await admin.unsafe(`create database ${name}`);
  url = databaseUrl(inject("postgres").url, name);
  files = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-migrate-"));
});
afterEach(async () => {
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.end();
  fs.rmSync(files, { recursive: true, force: true });
});

const directory = () => pathToFileURL(`${files}/`);
const write = (file: string, text: string) => fs.writeFileSync(path.join(files, file), text);

it("applies each file once when twenty clients race", async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => migrate(url)));
  const landed = fs.readdirSync(new URL("../../collector-processor/migrations/", import.meta.url)).sort();
  // any of them may have applied any
  expect(results.flatMap((result) => result.applied).sort()).toEqual(landed);
  expect(await migrate(url)).toEqual({ applied: [] });
});

it("applies what is new, in order, and nothing of a file that fails", async () => {
  write("000001.sql", "create table signalbox.a (x int)");
  write("000002.sql", "create table signalbox.b (x int); insert into signalbox.b values (1)");
  write("notes.md", "not a migration");
  expect(await migrate(url, directory())).toEqual({ applied: ["000001.sql", "000002.sql"] });
  write("000003.sql", "create table signalbox.c (x int); select 1 / 0");
  await expect(migrate(url, directory())).rejects.toThrow("division by zero");
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const [found] = await sql`select to_regclass('signalbox.c') as c`;
  expect(found?.c).toBeNull();
  await sql.end();
  write("000003.sql", "create table signalbox.c (x int)");
  expect(await migrate(url, directory())).toEqual({ applied: ["000003.sql"] });
});

it("refuses a file that was edited after it was applied, but not its line ends", async () => {
  write("000001.sql", "create table signalbox.a (x int);\n");
  await migrate(url, directory());
  write("000001.sql", "create table signalbox.a (x int);\r\n");
  expect(await migrate(url, directory())).toEqual({ applied: [] });
  write("000001.sql", "create table signalbox.a (x bigint);\n");
  await expect(migrate(url, directory())).rejects.toThrow("migration 000001.sql was edited after it was applied");
});

it("refuses a database that a newer build migrated", async () => {
  write("000001.sql", "select 1");
  write("000002.sql", "select 1");
  await migrate(url, directory());
  fs.rmSync(path.join(files, "000002.sql"));
  await expect(migrate(url, directory())).rejects.toThrow("the database has migration 000002.sql, which this build does not know");
});
