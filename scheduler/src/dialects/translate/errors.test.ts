import { expect, test } from "vitest";
import { errorReply, readError, translateError } from "./errors.ts";

const refusal = { status: 402, code: "budget_exceeded", message: "session s: the budget of $1 is spent", retryable: false };

test("a refusal stops Claude Code: 402, and no retry", () => {
  expect(errorReply("anthropic-messages", refusal)).toEqual({
    status: 402,
    headers: { "x-should-retry": "false" },
    body: { type: "error", error: { type: "billing_error", message: refusal.message, code: "budget_exceeded" } },
  });
});

test("a refusal stops Codex: 400 with our text", () => {
  expect(errorReply("openai-responses", refusal)).toMatchObject({
    status: 400,
    body: { error: { message: refusal.message, code: "budget_exceeded" } },
  });
  expect(errorReply("openai-responses", { ...refusal, status: 503 }).status).toBe(400);
});

test("a refusal by rate stops Codex and the SDK as an empty account does", () => {
  const { status, body } = errorReply("openai-responses", { ...refusal, status: 429 });
  expect(status).toBe(429);
  expect(body).toMatchObject({ error: { code: "insufficient_quota" } });
});

test("a refusal keeps its status for OpenAI's SDK", () => {
  expect(errorReply("openai-chat", refusal)).toMatchObject({
    status: 402,
    headers: { "x-should-retry": "false" },
    body: { error: { type: "billing_error" } },
  });
});

test.each([
  [
    "anthropic-messages",
    "openai-chat",
    529,
    { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    503,
    "Overloaded",
  ],
  ["openai-chat", "anthropic-messages", 503, { error: { message: "busy", type: "server_error", code: null } }, 529, "busy"],
  ["openai-chat", "openai-responses", 429, { error: { message: "slow", code: "rate_limit_exceeded" } }, 429, "slow"],
  ["openai-chat", "anthropic-messages", 500, "<html>Bad gateway</html>", 500, "<html>Bad gateway</html>"],
  ["openai-chat", "anthropic-messages", 500, "", 500, "the engine answered 500 and gave no reason"],
  ["openai-chat", "anthropic-messages", 400, { error: "no such model" }, 400, "no such model"],
  ["openai-chat", "anthropic-messages", 400, { message: "bad value", code: 400 }, 400, "bad value"],
] as const)("%s → %s: %i %j", (from, to, status, body, expected, message) => {
  const reply = translateError(from, to, { status, body: typeof body === "string" ? body : JSON.stringify(body) });
  expect(reply.status).toBe(expected);
  expect(reply.body).toMatchObject({ error: { message } });
  expect(reply.headers).toEqual(status === 400 ? { "x-should-retry": "false" } : {});
});

test("an empty account is not worth a retry", () => {
  expect(readError("openai-chat", 429, '{"error":{"code":"insufficient_quota","message":"pay"}}').retryable).toBe(false);
  expect(readError("openai-chat", 429, '{"error":{"code":"rate_limit_exceeded","message":"wait"}}').retryable).toBe(true);
});
