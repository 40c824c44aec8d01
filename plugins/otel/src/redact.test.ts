import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSecretName, REDACTED, redactText, redactValue } from "./redact.ts";

// Put together at run time, so that no scanner takes this file for a leak.
const key = (prefix: string, length = 24) => prefix + "aB3dE5gH".repeat(8).slice(0, length);
const JWT = `eyJ${"hbGciOiJIUzI1NiJ9"}.eyJ${"zdWIiOiIxMjM0In0"}.${"c2lnbmF0dXJl"}`;

describe("redactText", () => {
  it.each([
    ["Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"],
    ["curl -H 'authorization: Basic dXNlcjpwYXNz' x", "dXNlcjpwYXNz"],
    [`key is ${key("sk-")}, keep it`, key("sk-")],
    [`anthropic ${key("sk-ant-api03-")}`, key("sk-ant-api03-")],
    [`my-${key("sk_live_")}`, key("sk_live_")],
    [`git clone https://${key("ghp_")}@github.com/a/b`, key("ghp_")],
    ["postgres://signal:hunter2@db:5432/box", "hunter2"],
    [`slack ${key("xoxb-", 12)}`, key("xoxb-", 12)],
    [`aws ${"AKIA"}IOSFODNN7EXAMPLE here`, "IOSFODNN7EXAMPLE"],
    [`google ${key("AIza", 35)}`, key("AIza", 35)],
    [`bot 123456789:${key("AA", 33)}`, key("AA", 33)],
    [`jwt ${JWT}.`, JWT],
    ['{"api_key": "hunter2hunter2", "model": "m"}', "hunter2hunter2"],
    ["OPENAI_API_KEY=hunter2 node x", "hunter2"],
    ["export GITHUB_TOKEN=hunter2", "hunter2"],
    ["?user=me&password=hunter2&x=1", "hunter2"],
    ['{"client_secret":"hunter2 with blanks","a":1}', "hunter2 with blanks"],
    [`-----BEGIN RSA ${"PRIVATE"} KEY-----\nabc\ndef\n-----END RSA ${"PRIVATE"} KEY----- after`, "abc"],
    [`-----BEGIN ${"PRIVATE"} KEY-----\ncut off`, "cut off"],
  ])("takes the secret out of %j", (text, secret) => {
    const redacted = redactText(text);
    expect(redacted).not.toContain(secret);
    expect(redacted).toContain(REDACTED);
  });

  it.each([
    "task-1234567890123456789 done, max_tokens: 100, total tokens = 5",
    "https://example.org:8080/path?x=1 and user@example.org",
    "the risk-assessment-of-everything document",
    "0af7651916cd43dd8448eb211c80319c",
  ])("leaves %j alone", (text) => {
    expect(redactText(text)).toBe(text);
  });

  it("keeps what stands around", () => {
    expect(redactText('{"a":1,"password":"x","b":2}')).toBe(`{"a":1,"password":"${REDACTED}","b":2}`);
    expect(redactText("postgres://u:p@db/x")).toBe(`postgres://${REDACTED}@db/x`);
  });

  it("cuts long text, and finds a secret that stands across the cut", () => {
    const redacted = redactText(`${"a".repeat(90)} ${key("sk-", 60)}`, 100);
    expect(redacted).toHaveLength(101);
    expect(redacted).not.toContain("sk-");
  });

  it("twice is the same as once", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(redactText(redactText(text))).toBe(redactText(text));
      }),
    );
  });

  // A quadratic pattern takes minutes on these; the time is this thread's own, whatever else the machine does.
  it.each([
    "eyJ-",
    "eyJabcdefghi.",
    "Bearer ",
    "://a:",
    "-----BEGIN PRIVATE KEY-----",
    "sk-",
    "password",
    "token=",
    "token:\t",
    '"',
    "a.b-",
    "=",
    ":",
  ])("takes linear time on %j repeated", (piece) => {
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
    const before = process.threadCpuUsage();
    redactText(text, 2_000_000);
    expect(process.threadCpuUsage(before).user).toBeLessThan(3_000_000);
  });
});

describe("redactValue", () => {
  it("hides fields by name, at any depth, and secrets in strings", () => {
    const value = {
      headers: { Authorization: "abc", "X-Api-Key": ["a", "b"] },
      note: `use ${key("sk-")}`,
      count: 3,
      list: [{ dbPassword: "p" }],
    };
    expect(redactValue(value)).toEqual({
      headers: { Authorization: REDACTED, "X-Api-Key": REDACTED },
      note: `use ${REDACTED}`,
      count: 3,
      list: [{ dbPassword: REDACTED }],
    });
  });

  it("keeps token counts", () => {
    const usage = { max_tokens: 100, total_tokens: 5, maxTokens: "unlimited" };
    expect(redactValue(usage)).toEqual(usage);
    expect(isSecretName("input_tokens")).toBe(false);
    expect(isSecretName("GITHUB_TOKEN")).toBe(true);
    expect(isSecretName("accessToken")).toBe(true);
  });

  it("ends on cycles, depth, size, getters that throw, and __proto__", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(JSON.stringify(redactValue(cycle))).toContain("…");
    expect(
      redactValue(
        Array.from({ length: 100 }, (_, i) => i),
        { maxValues: 11 },
      ),
    ).toHaveLength(10);
    const thrower = Object.defineProperty({}, "x", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
    expect(redactValue(thrower)).toBe(REDACTED);
    const polluted = redactValue(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.hasOwn(polluted as object, "__proto__")).toBe(true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
