import { expect, test } from "vitest";
import type { FixtureRecord } from "./fixture-format.ts";
import { problemsOf } from "./fixture-problems.ts";

function problemsWith(body: unknown): string[] {
  const header = {
    agent: "codex" as const,
    version: "1.0.0",
    date: "2026-11-21T00:00:00Z",
    command: "node record.ts plain",
    scenario: "plain",
    about: "one turn",
  };
  const records: FixtureRecord[] = [{ kind: "request", t_ms: 1, n: 1, method: "POST", path: "/v1/responses", headers: {}, body }];
  const text = [header, ...records].map((line) => JSON.stringify(line)).join("\n");
  return problemsOf({ file: "1.0.0/plain.jsonl", text, header, records });
}

test("a clean fixture has no problem", () => {
  expect(problemsWith({ text: "hello from /home/user/project", agent_name: "/root/child" })).toEqual([]);
});

test.each([
  ["a key", { text: `sk-${"a1b2".repeat(8)}` }, /secret/],
  ["a named secret", { api_key: "abc" }, /secret/],
  ["a path", { text: "see /Users/someone/project" }, /path of a machine: \/Users\/someone/],
  ["a home", { text: "see /home/someone/project" }, /path of a machine: \/home\/someone/],
  ["an address", { text: "ask someone@example.com" }, /address/],
  ["vendor text", { text: "You are an agent. ".repeat(20) }, /text of 360 characters/],
])("%s is found", (_name, body, problem) => {
  expect(problemsWith(body)).toEqual([expect.stringMatching(problem)]);
});
