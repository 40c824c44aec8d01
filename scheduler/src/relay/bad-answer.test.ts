import { expect, test } from "vitest";
import type { StreamEvent } from "../dialects/translate/index.ts";
import { type Answered, BAD_ANSWERS, type BadAnswerKind, badAnswer, StreamJudge } from "./bad-answer.ts";
import { restOf, statusKind } from "./verdict.ts";

const ALL = new Set(BAD_ANSWERS);
const GOOD: Answered = { text: "yes", refused: false, toolArguments: [], calls: false, stop: "end" };

test.each<[BadAnswerKind | undefined, Partial<Answered>, boolean]>([
  [undefined, {}, false],
  ["empty", { text: " \n" }, false],
  ["length_without_answer", { text: "", stop: "max_tokens" }, false],
  [undefined, { text: "half an ans", stop: "max_tokens" }, false],
  ["refusal", { refused: true }, false],
  ["refusal", { stop: "content_filter" }, false],
  ["malformed_tool_call", { text: "", calls: true, toolArguments: ['{"a":1}', '{"a":'] }, false],
  ["malformed_tool_call", { text: "", calls: true, toolArguments: ["[1]"] }, false],
  [undefined, { text: "", calls: true, toolArguments: [""] }, false],
  ["malformed_json", { text: "Sure! {" }, true],
  [undefined, { text: '{"a":1}' }, true],
  [undefined, { text: "", stop: "pause" }, false],
])("an answer is %s: %j", (kind, answer, json) => {
  expect(badAnswer({ ...GOOD, ...answer }, ALL, json)).toBe(kind);
  expect(badAnswer({ ...GOOD, ...answer }, new Set(), json)).toBeUndefined();
});

const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };
const text = (words: string): StreamEvent[] => [
  { type: "part_start", index: 0, part: { kind: "text" } },
  { type: "part_delta", index: 0, text: words },
];

test("a stream is let go at its first word of text; JSON that was asked for, thinking and tool calls are held to the end", () => {
  const judge = (events: StreamEvent[], json = false) => {
    const one = new StreamJudge(ALL, json);
    for (const event of events) one.see(event);
    return one.verdict;
  };
  const stop: StreamEvent = { type: "stop", reason: "end", usage };
  expect(judge(text("Hi"))).toBe("pass");
  expect(judge(text('{"a"'), true)).toBeUndefined();
  expect(judge([...text('{"a"'), stop], true)).toBe("malformed_json");
  expect(
    judge([
      { type: "part_start", index: 0, part: { kind: "thinking" } },
      { type: "part_delta", index: 0, text: "Hm" },
    ]),
  ).toBeUndefined();
  const call: StreamEvent[] = [
    { type: "part_start", index: 0, part: { kind: "tool_call", id: "1", name: "f" } },
    { type: "part_delta", index: 0, text: '{"a":' },
  ];
  expect(judge(call)).toBeUndefined();
  expect(judge([...call, stop])).toBe("malformed_tool_call");
  expect(judge([...call, { type: "part_delta", index: 0, text: "1}" }, stop])).toBe("pass");
});

test("what a status says of the pool, and when it wants to be asked again", () => {
  expect([200, 400, 401, 403, 404, 408, 413, 422, 429, 500, 529, 302].map(statusKind)).toEqual([
    "answer",
    "request",
    "pool_misconfigured",
    "pool_account",
    "pool_misconfigured",
    "pool_failed",
    "request",
    "request",
    "pool_busy",
    "pool_failed",
    "pool_failed",
    "pool_misconfigured",
  ]);
  expect(restOf(429, { "retry-after": "7" })).toBe(7_000);
  expect(restOf(429, { "retry-after": "7", "retry-after-ms": "250" })).toBe(250);
  expect(restOf(503, { "retry-after": new Date(61_000).toUTCString() }, 1_000)).toBe(60_000);
  expect([restOf(429, {}), restOf(503, {}), restOf(500, { "retry-after": "7" })]).toEqual([1_000, undefined, undefined]);
});
