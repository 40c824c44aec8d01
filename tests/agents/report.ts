/** Checks of one run of the agents' suite: each is a line, and the last line counts them. */
export interface Report {
  /** Runs a check; one that throws has failed, with its message. Returns whether it passed. */
  check(name: string, run: () => void | Promise<void>): Promise<boolean>;
  skip(name: string, why: string): void;
  /** Prints `agents: N passed, N failed, N skipped`; true where nothing failed. */
  close(): boolean;
}

/** A check of one agent, in one of the ways that it can run. */
export type Check = (name: string, way: string, run: () => Promise<void>) => Promise<void>;

export function createReport(print: (line: string) => void = console.log): Report {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  return {
    async check(name, run) {
      const start = performance.now();
      try {
        await run();
        counts.passed++;
        print(`  ok    ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
        return true;
      } catch (error) {
        counts.failed++;
        print(`  FAIL  ${name}\n${String(error instanceof Error ? (error.stack ?? error.message) : error).replace(/^/gm, "        ")}`);
        return false;
      }
    },
    skip(name, why) {
      counts.skipped++;
      print(`  skip  ${name}: ${why}`);
    },
    close() {
      print(`agents: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
      return counts.failed === 0;
    },
  };
}
