import type postgres from "postgres";
import { beforeAll } from "vitest";
import { type ControlServer, startControlServer } from "./control-server.ts";
import type { Dashboard } from "./dashboard.ts";
import type { TestDatabase } from "./postgres.ts";
import { seed } from "./seed.ts";
import { type WebStage, webStage } from "./web-stage.ts";

export interface Fleet {
  database: TestDatabase;
  sql: postgres.Sql;
  scheduler: ControlServer;
  dashboard: Dashboard;
}

/** A stage with the seeded fleet on it, a scripted scheduler, and a dashboard over both. */
export interface FleetStage extends WebStage {
  /** To be called by tests, and by what runs before them. */
  fleet(): Fleet;
  /** The admin token of all three. */
  readonly token: string;
}

/** To be called once, at the top of a file, as `webStage`. */
export function fleetStage(): FleetStage {
  const stage = webStage();
  const token = "the-admin-token-of-this-test";
  let fleet: Fleet | undefined;
  beforeAll(async () => {
    const { database, sql } = await stage.database();
    await seed(database.url);
    const scheduler = stage.keep(await startControlServer({ token }));
    fleet = { database, sql, scheduler, dashboard: await stage.dashboard(database.readerUrl, { schedulerUrl: scheduler.url, token }) };
  });
  return {
    ...stage,
    token,
    fleet() {
      if (fleet === undefined) throw new Error("the fleet is there once tests run");
      return fleet;
    },
  };
}

/** The row of a statement that gives one. */
export const one = async <T>(rows: Promise<readonly T[]>): Promise<T> => (await rows)[0] as T;
