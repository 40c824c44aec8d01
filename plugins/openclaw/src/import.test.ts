import { Attribute } from "@signalbox/otel/conventions";
import { expect, it } from "vitest";
import { openclawReader } from "./import.ts";

const TIME = "2026-11-21T08:00:00.000Z";
const none = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Operations of the spans that a transcript of these answers gives. */
function read(...answers: object[]): unknown[] {
  const identity = { sessionId: "root", agentId: "root", agentKind: "openclaw" as const };
  const reader = openclawReader(identity, { content: false });
  const entries = [
    { type: "message", id: "1", timestamp: TIME, message: { role: "user", content: "hello", idempotencyKey: "run-1:user" } },
    ...answers.map((message, index) => ({
      type: "message",
      id: `a${index}`,
      timestamp: TIME,
      message: { role: "assistant", model: "auto", __openclaw: { runId: "run-1" }, content: [], ...message },
    })),
  ];
  return [...entries.flatMap((entry) => reader.entry(entry)), ...reader.end()].map(({ attributes }) => attributes[Attribute.operation]);
}

it("an answer with tokens is a call under its turn", () => {
  expect(read({ responseId: "r1", stopReason: "stop", usage: { ...none, input: 7, output: 2 } })).toEqual(["chat", "invoke_agent"]);
});

it.each([
  ["what OpenClaw says in the model's place after an abort", { model: "gateway-injected", stopReason: "stop", usage: none }],
  ["a call that was refused", { stopReason: "error", errorMessage: "400 paused", usage: none }],
  ["a call that was cut off", { responseId: "r1", stopReason: "aborted", usage: none }],
])("%s is no call, and a turn of nothing else is left out", (_, answer) => {
  expect(read(answer)).toEqual([]);
});

it("a server that tells no usage has answered all the same", () => {
  expect(read({ responseId: "r1", stopReason: "stop", usage: none })).toEqual(["chat", "invoke_agent"]);
});
