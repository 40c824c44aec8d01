import { describe, expect, test } from "vitest";
import { type FixtureFile, logsOf, servedTokens, spansOf } from "../capture/fixture-folder.ts";
import { testCaptures } from "../capture/fixture-tests.ts";
import { SCENARIOS } from "./scenarios.ts";

/** A run that fails or is interrupted exits without flushing: what of its telemetry was sent before then is chance. */
const flushed = (one: FixtureFile) => one.records.every((record) => record.kind !== "run" || record.code === 0);
const KINDS = ["request", "response", "hook", "transcript", "run"] as const;
const { fixtures, fixture, requests } = testCaptures("codex", SCENARIOS, [...KINDS], {
  isCall: (path) => path.endsWith("/responses"),
  exports: flushed,
});
const sum = (holders: { attributes: Record<string, unknown> }[], attribute: string) =>
  holders.reduce((total, { attributes }) => total + Number(attributes[attribute] ?? 0), 0);
const isAborted = ({ attributes }: { attributes: Record<string, unknown> }) => !("codex.turn.token_usage.total_tokens" in attributes);

describe.each(fixtures.filter(flushed).map((one) => [one.file, one] as const))("%s", (_file, one) => {
  test("its logs carry the tokens that the provider served once a call, its spans once a turn", () => {
    const calls = logsOf(one).filter(({ attributes }) => attributes["event.kind"] === "response.completed");
    const turns = spansOf(one).filter(({ name }) => name === "session_task.turn");
    for (const kind of ["input", "output"]) {
      const served = servedTokens(one, `${kind}_tokens`);
      // A second log record of the same call has no counts.
      expect(sum(calls, `${kind}_token_count`)).toBe(served);
      if (!turns.some(isAborted)) expect(sum(turns, `codex.turn.token_usage.${kind}_tokens`)).toBe(served);
    }
  });
});

test("a turn that is aborted, as a sub-agent's is when its root ends, has no tokens on its span", () => {
  const aborted = (scenario: string) =>
    spansOf(fixture(scenario))
      .filter(({ name }) => name === "session_task.turn")
      .map(isAborted);
  expect(aborted("sub-agent")).toEqual([false, false]);
  expect(aborted("background-sub-agent").sort()).toEqual([false, true]);
});

test("handle_responses spans leave out the call that compacts", () => {
  const calls = (scenario: string) => spansOf(fixture(scenario)).filter(({ name }) => name === "handle_responses");
  const counted = (scenario: string) => sum(calls(scenario), "gen_ai.usage.input_tokens");
  expect(counted("sub-agent")).toBe(servedTokens(fixture("sub-agent"), "input_tokens"));
  const [, compaction] = fixture("compaction").records.flatMap((record) => (record.kind === "response" && record.served ? [record] : []));
  expect(counted("compaction")).toBe(servedTokens(fixture("compaction"), "input_tokens") - Number(compaction?.served?.usage.input_tokens));
});

test("nested sub-agents name their threads and parents in headers", () => {
  const parents = new Map(requests("nested-sub-agents").map(({ headers }) => [headers["thread-id"], headers["x-codex-parent-thread-id"]]));
  const sessions = new Set(requests("nested-sub-agents").map(({ headers }) => headers["session-id"]));
  const [root, middle, leaf] = parents.keys();
  expect(sessions).toEqual(new Set([root]));
  expect(parents).toEqual(
    new Map([
      [root, undefined],
      [middle, root],
      [leaf, middle],
    ]),
  );
});

test("a sub-agent's call hangs below the tool call that spawned it, in the same trace", () => {
  const spans = new Map(spansOf(fixture("sub-agent")).map((span) => [span.spanId, span]));
  const [child] = requests("sub-agent").filter(({ headers }) => headers["x-openai-subagent"] !== undefined);
  const names: string[] = [];
  for (let id = child?.headers.traceparent?.split("-")[2]; id !== undefined && spans.has(id); id = spans.get(id)?.parentSpanId) {
    names.push(spans.get(id)?.name ?? "");
  }
  expect(names).toContain("collaborationspawn_agent");
  expect(names.at(-1)).toBe("turn/start");
});

test.each([
  ["refused-400", 1],
  ["refused-429-quota", 1],
  ["refused-402", 6],
  ["refused-403", 6],
  ["retry-429", 2],
  ["stopped-by-prompt-hook", 0],
  ["denied-by-tool-hook", 2],
  ["stopped-after-tool-hook", 2],
  ["stopped-by-model-hook", 2],
])("%s: %i requests to the provider", (scenario, count) => {
  expect(requests(scenario)).toHaveLength(count);
});
