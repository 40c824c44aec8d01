import { describe, expect, test } from "vitest";
import { servedTokens, spansOf } from "../capture/fixture-folder.ts";
import { testCaptures } from "../capture/fixture-tests.ts";
import { SCENARIOS } from "./scenarios.ts";

const KINDS = ["request", "response", "otlp", "hook", "transcript", "run"] as const;
const { fixtures, fixture, requests } = testCaptures("claude-code", SCENARIOS, [...KINDS], {
  isCall: (path) => path.startsWith("/v1/messages"),
});

describe.each(fixtures.map((one) => [one.file, one] as const))("%s", (_file, one) => {
  test("its spans carry the tokens that the provider served", () => {
    const calls = spansOf(one).filter(({ name }) => name === "claude_code.llm_request");
    const sum = (attribute: string) => calls.reduce((total, { attributes }) => total + Number(attributes[attribute] ?? 0), 0);
    expect(sum("input_tokens")).toBe(servedTokens(one, "input_tokens"));
    expect(sum("output_tokens")).toBe(servedTokens(one, "output_tokens"));
    expect(sum("cache_read_tokens")).toBe(servedTokens(one, "cache_read_input_tokens"));
    expect(sum("cache_creation_tokens")).toBe(servedTokens(one, "cache_creation_input_tokens"));
  });
});

test("nested sub-agents name themselves and their parents in headers and spans", () => {
  const named = requests("nested-sub-agents").map(({ headers }) => [
    headers["x-claude-code-agent-id"],
    headers["x-claude-code-parent-agent-id"],
  ]);
  const middle = named[1]?.[0];
  const leaf = named[2]?.[0];
  expect(named).toEqual([
    [undefined, undefined],
    [middle, undefined],
    [leaf, middle],
    [leaf, middle],
    [middle, undefined],
    [undefined, undefined],
  ]);
  const ofLeaf = spansOf(fixture("nested-sub-agents")).filter(({ attributes }) => attributes.agent_id === leaf);
  expect(new Set(ofLeaf.map(({ attributes }) => attributes.parent_agent_id))).toEqual(new Set([middle]));
});

test.each([
  ["refused-402", 1],
  ["refused-429-no-retry", 1],
  ["refused-400", 6],
  ["retry-429", 2],
  ["stopped-by-prompt-hook", 0],
  ["stopped-by-tool-hook", 1],
  ["stopped-after-tool-hook", 1],
])("%s: %i requests to the provider", (scenario, count) => {
  expect(requests(scenario)).toHaveLength(count);
});

test("the traceparent of a request names its llm_request span", () => {
  const spans = new Map(spansOf(fixture("sub-agent")).map((span) => [span.spanId, span.name]));
  const parents = requests("sub-agent").map(({ headers }) => spans.get(headers.traceparent?.split("-")[2] ?? ""));
  expect(parents).toEqual(parents.map(() => "claude_code.llm_request"));
});
