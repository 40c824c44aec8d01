import { defineConfig } from "vitest/config";

/** What is waited for comes in milliseconds, but on a machine that does something else for a while: only a hang is a failure. */
const PATIENT = { poll: { timeout: 20_000 } };

/** Suites: `unit` needs nothing, `integration` a Postgres of its own, `e2e` a browser and a built dashboard too. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{plugins,scheduler,collector-processor,web,deploy}/**/src/**/*.test.{ts,tsx}",
            "tests/*.test.ts",
            "tests/agents/**/*.test.ts",
          ],
          // Properties take seconds; on a machine that is busy with other things, many more.
          testTimeout: 60_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          globalSetup: ["tests/support/postgres-server.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect: PATIENT,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          globalSetup: ["tests/support/postgres-server.ts", "tests/support/web-build.ts"],
          // a slow machine takes minutes where a dozen pages are open
          testTimeout: 240_000,
          hookTimeout: 300_000,
          expect: PATIENT,
          fileParallelism: false,
        },
      },
    ],
    // What was found in place of what was expected is said in whole: closing lines may be all there is to read.
    chaiConfig: { truncateThreshold: 2000 },
    maxWorkers: 2,
  },
});
