import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { freePort } from "./free-port.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: { url: string; readerUrl: string };
  }
}

export const TEMPLATE = "signalbox_template";

/** Vitest's global setup: one embedded Postgres a run, with a migrated template database that tests clone. */
export default async function setup(project: TestProject) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-tests-"));
  fs.chmodSync(dir, 0o755);
  // nothing in a test outlives its run, so nothing needs to reach the disk
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" };
  const server = await startPostgres({ dir: path.join(dir, "postgres"), port: await freePort(), settings });
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${TEMPLATE}`);
  await admin.end();
  await migrate(databaseUrl(server.url, TEMPLATE));
  project.provide("postgres", { url: server.url, readerUrl: server.readerUrl });
  return async () => {
    await server.stop();
    fs.rmSync(dir, { recursive: true, force: true });
    fs.rmSync(server.dir, { recursive: true, force: true });
  };
}

export function databaseUrl(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.href;
}
