import { describe, expect, test } from "vitest";
import { exportsOf, type FixtureFile, readFixtures } from "./fixture-folder.ts";
import type { FixtureRecord, RequestRecord } from "./fixture-format.ts";
import { problemsOf } from "./fixture-problems.ts";

export interface Captures {
  /** Of every version. */
  fixtures: FixtureFile[];
  /** One of the newest version. Throws where there is none. */
  fixture(scenario: string): FixtureFile;
  /** Its requests for an answer of a model. */
  requests(scenario: string): RequestRecord[];
}

/**
 * What holds for the captures of every agent, as tests; and the captures, for those of its own.
 * @param kinds of records that each holds
 * @param exports whether the run came to send its telemetry
 */
export function testCaptures(
  agent: string,
  scenarios: object,
  kinds: FixtureRecord["kind"][],
  { isCall, exports = () => true }: { isCall(path: string): boolean; exports?(fixture: FixtureFile): boolean },
): Captures {
  const fixtures = readFixtures(agent);
  const latest = fixtures.filter(({ header }) => header.version === fixtures.at(-1)?.header.version);

  test("there is a fixture for every scenario of the recorder", () => {
    expect(latest.map(({ header }) => header.scenario).sort()).toEqual(Object.keys(scenarios).sort());
  });

  describe.each(fixtures.map((one) => [one.file, one] as const))("%s", (_file, one) => {
    test("may be public", () => {
      expect(problemsOf(one)).toEqual([]);
    });

    test("holds every kind of record and nothing that left loopback", () => {
      const held = new Set(one.records.map(({ kind }) => kind));
      expect([...held]).toEqual(expect.arrayContaining(kinds));
      expect(held).not.toContain("blocked");
      if (exports(one)) for (const signal of ["traces", "logs", "metrics"] as const) expect(exportsOf(one, signal)).not.toEqual([]);
    });
  });

  const fixture = (scenario: string): FixtureFile => {
    const found = latest.find(({ header }) => header.scenario === scenario);
    if (found === undefined) throw new Error(`no fixture ${scenario}`);
    return found;
  };
  return {
    fixtures,
    fixture,
    requests: (scenario) =>
      fixture(scenario).records.filter((record): record is RequestRecord => record.kind === "request" && isCall(record.path)),
  };
}
