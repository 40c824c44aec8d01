import type { BrowserContextOptions, Page } from "playwright-core";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { launchChromium } from "./chromium.ts";
import { type Dashboard, startDashboard } from "./dashboard.ts";
import { createDatabase, type TestDatabase } from "./postgres.ts";
import { createVisits } from "./visits.ts";

/** What a file of page tests plays on. Everything started through it is closed after the last test, the last one first. */
export interface WebStage {
  /** An empty database, with its owner's connection. */
  database(): Promise<{ database: TestDatabase; sql: postgres.Sql }>;
  dashboard(...parameters: Parameters<typeof startDashboard>): Promise<Dashboard>;
  /** Anything else that has to be closed. */
  keep<T extends { close(): Promise<unknown> }>(started: T): T;
  /** A page of a browser context of its own, logged in; of the dashboard that was started last. Closed after the test. */
  open(path: string, options?: BrowserContextOptions & { of?: Dashboard; onPage?: (page: Page) => void }): Promise<Page>;
  /** What pages complained of so far in this test. */
  readonly complaints: string[];
}

/**
 * To be called once, at the top of a file: it registers what runs around the tests. After each, no console may have complained.
 *
 * @param expected complaints that the tests bring about: an answer that refuses is told by the console, too
 */
export function webStage(expected?: RegExp): WebStage {
  const started = new AsyncDisposableStack();
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  let shown: Dashboard | undefined;
  const visits = createVisits(() => browser, expected);
  beforeAll(async () => {
    browser = started.adopt(await launchChromium(), (one) => one.close());
  });
  afterAll(() => started.disposeAsync());
  afterEach(async () => {
    await visits.leave();
    expect(visits.complaints.splice(0), `the dashboard's log: ${shown?.log()}`).toEqual([]);
  });
  return {
    async database() {
      const database = started.adopt(await createDatabase(), (one) => one.drop());
      const sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC" } });
      started.defer(() => sql.end());
      return { database, sql };
    },
    async dashboard(...parameters) {
      shown = started.adopt(await startDashboard(...parameters), async (one) => {
        await one.stop();
      });
      return shown;
    },
    keep: (one) =>
      started.adopt(one, async () => {
        await one.close();
      }),
    open: (path, { of = shown as Dashboard, onPage, ...options } = {}) => visits.open(of, path, options, onPage),
    complaints: visits.complaints,
  };
}
