import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dropped } from "./dropped.ts";
import { anyRequest } from "./testing/arbitraries.ts";
import { strip } from "./testing/strip.ts";
import { parseRequest, serialiseRequest, translateRequest } from "./translate.ts";
import { DIALECTS, type Dialect, type Request } from "./types.ts";

const RUNS = { numRuns: 150 };
const PAIRS = DIALECTS.flatMap((from) => DIALECTS.filter((to) => to !== from).map((to) => [from, to] as const));

const parse = (dialect: Dialect, body: unknown) => parseRequest(dialect, body, new Dropped());
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What all of the dialects claim to keep. Twice, since what one loses can put messages beside each other that another must reorder. */
const claimed = (request: Request, ...dialects: Dialect[]) =>
  [...dialects, ...dialects].reduce((rest, dialect) => strip(rest, dialect, ["changed", "refused", "dropped"]), request);

/** Without what a dialect adds by itself: Anthropic's automatic caching, usage in streams, and tools of a namespace beside each other. */
function comparable(actual: Request, expected: Request): Request {
  const { cache: _, ...rest } = actual;
  const order = expected.tools.map((tool) => tool.name);
  const tools = actual.tools.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return { ...(expected.cache ? actual : rest), tools, includeUsage: expected.includeUsage };
}

describe.each(DIALECTS)("%s", (dialect) => {
  test("says what the table claims that it can say", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const sent = strip(request, dialect, ["changed", "refused"]);
        const expected = claimed(request, dialect);
        const body = json(serialiseRequest(dialect, sent, new Dropped()));
        expect(comparable(parse(dialect, body), expected)).toEqual(expected);
      }),
      RUNS,
    );
  });

  test("lists what it drops, and only that", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const dropped = new Dropped();
        serialiseRequest(dialect, claimed(request, dialect), dropped);
        expect(dropped.list()).toEqual([]);
        const all = strip(request, dialect, ["refused"]);
        const more = new Dropped();
        serialiseRequest(dialect, all, more);
        const isLossy = JSON.stringify(strip(all, dialect, ["dropped"])) !== JSON.stringify(strip(all, dialect, []));
        if (isLossy) expect(more.list()).not.toEqual([]);
      }),
      RUNS,
    );
  });
});

describe.each(PAIRS)("%s → %s and back", (from, to) => {
  test("there and back loses nothing that the pair claims to keep", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const expected = claimed(request, from, to);
        const body = json(serialiseRequest(from, expected, new Dropped()));
        const there = translateRequest(from, to, body);
        const back = translateRequest(to, from, json(there.body));
        expect(comparable(parse(from, json(back.body)), expected)).toEqual(expected);
      }),
      RUNS,
    );
  });
});
