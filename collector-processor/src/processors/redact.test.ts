import { describe, expect, it } from "vitest";
import { isSecretName, redact } from "./redact.ts";

// put together here, so that no scanner of this repository takes them for real
const KEYS = {
  openai: `sk-proj-${"a1B2".repeat(8)}`,
  anthropic: `sk-ant-api03-${"x".repeat(40)}`,
  github: `ghp_${"z9".repeat(18)}`,
  slack: `xoxb-${"1234567890"}-abc`,
  aws: `AKIA${"ABCD1234".repeat(2)}`,
  google: `AIza${"Sy0".repeat(12)}`,
  jwt: `eyJ${"hbGciOi"}${"J".repeat(9)}.eyJ${"zdWIiOi"}${"I".repeat(9)}.${"s".repeat(30)}`,
  telegram: `123456789:AA${"h".repeat(33)}`,
};

describe("redact", () => {
  it.each(Object.entries(KEYS))("takes out a key of %s and leaves the rest", (_name, key) => {
    expect(redact(`{"a":"before ${key}","b":"after"}`)).toBe('{"a":"before [redacted]","b":"after"}');
  });

  // each as short as its kind can be
  it.each([
    `Bearer ${"a".repeat(16)}`,
    `sk-${"a".repeat(16)}`,
    `pk_test_${"a".repeat(16)}`,
    `gho_${"a".repeat(30)}`,
    `github_pat_${"a".repeat(30)}`,
    `glpat-${"a".repeat(20)}`,
    `xoxe-${"1".repeat(10)}`,
    `ASIA${"A".repeat(16)}`,
    `AIza${"a".repeat(30)}`,
    `hf_${"a".repeat(30)}`,
    `eyJ${"a".repeat(8)}.eyJ${"a".repeat(8)}.${"a".repeat(8)}`,
    `12345678:AA${"a".repeat(30)}`,
  ])("takes out %s wherever it stands", (key) => {
    for (let before = 0; before < 40; before++) {
      expect(redact(`${"é ".repeat(before)}"${key}"`)).toBe(`${"é ".repeat(before)}"[redacted]"`);
      expect(redact(`${"a".repeat(before)} ${key}`)).toBe(`${"a".repeat(before)} [redacted]`);
    }
  });

  it("takes out what follows Bearer and Basic", () => {
    expect(redact("Authorization: Bearer abcdefghijklmnop.qrst==, ok")).toBe("Authorization: [redacted], ok");
    expect(redact("Basic dXNlcjpwYXNzd29yZA== ")).toBe("[redacted] ");
  });

  it.each(["sk-learn is a library", "task-0123456789abcdef0123", "the bearer of news", "gpt-5", "2026-11-21T00:00:00Z"])(
    "leaves %j",
    (text) => {
      expect(redact(text)).toBe(text);
    },
  );
});

describe("isSecretName", () => {
  it.each(["http.request.header.authorization", "api_key", "x-api-key", "db.password", "Set-Cookie", "client_secret", "access_token"])(
    "%s",
    (name) => {
      expect(isSecretName(name)).toBe(true);
    },
  );
  it.each(["gen_ai.usage.input_tokens", "gen_ai.request.max_tokens", "author", "keyboard", "token_count"])("not %s", (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});
