import { expect, test } from "vitest";
import { createRedactor } from "./redact.ts";

const redactor = (texts: [string, string][] = [], words: string[] = []) => createRedactor({ texts, words });

test("a path of the machine is replaced also where the text is then cut", () => {
  const { redact } = redactor([["/build/agents/run-7", ""]]);
  const text = `${"x".repeat(90)} /build/agents/run-7/home/user/project ${"y".repeat(200)}`;
  expect(redact({ text })).toEqual({ text: `${"x".repeat(90)} /home/use… [… ${text.length} characters]` });
});

test("nothing is kept of a long description, and of a schema only its size", () => {
  const description = "Runs a command. ".repeat(40);
  const input_schema = { type: "object", properties: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`field${n}`, {}])) };
  expect(redactor().redact({ tools: [{ name: "Bash", description, input_schema }] })).toEqual({
    tools: [
      {
        name: "Bash",
        description: `[… ${description.length} characters]`,
        input_schema: `[… ${JSON.stringify(input_schema).length} characters] of JSON`,
      },
    ],
  });
});

test("a personal id gets one placeholder wherever it stands, also in JSON in a text and before the field that names it", () => {
  const { learn, redact } = redactor();
  const record = {
    note: "run of 9f8e7d6c5b",
    metadata: { user_id: JSON.stringify({ device_id: "9f8e7d6c5b", session_id: "s-1" }) },
    attributes: [{ key: "user.id", value: { stringValue: "9f8e7d6c5b" } }],
  };
  learn(record);
  expect(redact(record)).toEqual({
    note: "run of <device-id-1>",
    metadata: { user_id: '{"device_id":"<device-id-1>","session_id":"s-1"}' },
    attributes: [{ key: "user.id", value: { stringValue: "<device-id-1>" } }],
  });
});

test("keys go; other headers keep their length", () => {
  const beta = Array.from({ length: 30 }, (_, n) => `beta-${n}-2026-01-01`).join(",");
  expect(redactor().redact({ headers: { "x-api-key": "abc", Authorization: "Bearer abc", "anthropic-beta": beta } })).toEqual({
    headers: { "x-api-key": "[redacted]", Authorization: "[redacted]", "anthropic-beta": beta },
  });
});

test("lines of JSON on stdout stay lines of JSON", () => {
  const stdout = [JSON.stringify({ type: "a", text: "long ".repeat(80) }), JSON.stringify({ type: "b" })].join("\n");
  const redacted = redactor().redact({ stdout }) as { stdout: string };
  expect(redacted.stdout.split("\n").map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(["a", "b"]);
});
