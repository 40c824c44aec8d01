/** Keys, rates, refusals and the agent tree, each by itself. */

import { expect, test } from "vitest";
import { HttpError } from "../http/errors.ts";
import { createGatekeeper } from "./keys.ts";
import { createRateLimiter, type RateLimits } from "./rate-limit.ts";
import { refusalReply, stopRefusal, usd } from "./refusals.ts";
import { scopedId } from "./scoped-id.ts";
import { createAgentTree } from "./stop/agent-tree.ts";

function caught(work: () => unknown): HttpError {
  try {
    work();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("each dialect's caller is refused in the status that stops it", () => {
  const kill = stopRefusal({ id: "s", state: "killed", reason: "too dear" });
  const shown = (["openai-chat", "anthropic-messages", "openai-responses"] as const).map((dialect) => refusalReply(dialect, kill));
  expect(shown.map(({ status, headers }) => [status, headers["x-should-retry"]])).toEqual([
    [403, "false"],
    [402, "false"],
    [400, "false"],
  ]);
  const message = "Signalbox: s was killed: too dear. No further calls are served.";
  expect(shown[0]?.body).toMatchObject({ error: { message, code: "session_killed" } });
  expect(shown[1]?.body).toMatchObject({ type: "error", error: { type: "billing_error", message } });
  expect(shown[2]?.body).toMatchObject({ error: { message } });
  const later = new HttpError(429, "rate_limit_exceeded", "slower", {
    retryAfterSeconds: 3,
    headers: { "x-ratelimit-limit-requests": "1" },
  });
  expect(refusalReply("anthropic-messages", later)).toMatchObject({
    status: 429,
    headers: { "retry-after": "3", "x-ratelimit-limit-requests": "1" },
  });
});

test("small amounts are not shown as nothing", () => {
  expect([usd(0), usd(123_456), usd(5_000_000), usd(12_345_678_901)]).toEqual(["$0.00", "$0.000123", "$0.00500", "$12.35"]);
});

const limits = (requestsPerMinute?: number, tokensPerMinute?: number): RateLimits => ({ requestsPerMinute, tokensPerMinute });

test("requests: a minute's worth at once, then evenly", () => {
  const rates = createRateLimiter();
  for (let n = 0; n < 60; n++) rates.take("k", limits(60), 0, 0);
  const refused = caught(() => rates.take("k", limits(60), 0, 0));
  expect([refused.status, refused.retryAfterSeconds]).toEqual([429, 1]);
  expect(refused.headers).toMatchObject({ "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0" });
  expect(rates.take("k", limits(60), 0, 1_000).headers["x-ratelimit-remaining-requests"]).toBe("0");
  expect(rates.take("other", limits(60), 0, 1_000).headers["x-ratelimit-remaining-requests"]).toBe("59");
});

test("tokens: a refusal takes nothing, what was not needed comes back, and one call may be larger than a minute's worth", () => {
  const rates = createRateLimiter();
  rates.take("k", limits(10, 1_000), 800, 0);
  expect(caught(() => rates.take("k", limits(10, 1_000), 300, 0)).retryAfterSeconds).toBe(6);
  rates.correct("k", 600);
  expect(rates.take("k", limits(10, 1_000), 300, 0).headers).toMatchObject({
    "x-ratelimit-remaining-tokens": "500",
    "x-ratelimit-remaining-requests": "8",
  });
  const large = rates.take("k", limits(10, 1_000), 5_000, 60_000);
  expect([large.headers["x-ratelimit-remaining-tokens"], large.tokens]).toEqual(["0", 1_000]);
  // What it asked for beyond a minute's worth was not taken, and does not come back.
  rates.correct("k", large.tokens - 1_500);
  expect(caught(() => rates.take("k", limits(10, 1_000), 100, 60_000)).retryAfterSeconds).toBe(36);
});

test("limits that a reloaded config changed hold from the next call on; those that stayed keep what was taken", () => {
  const rates = createRateLimiter();
  rates.take("k", limits(1, 1_000), 600, 0);
  expect(caught(() => rates.take("k", limits(1, 1_000), 0, 0)).message).toContain("1 requests per minute");
  expect(rates.take("k", limits(2, 1_000), 100, 0).headers).toMatchObject({
    "x-ratelimit-remaining-requests": "1",
    "x-ratelimit-remaining-tokens": "300",
  });
  expect(rates.take("k", limits(undefined, undefined), 9_000, 0).headers).toEqual({});
});

test("our own header stands before Authorization, and x-api-key is taken too", () => {
  const keys = [{ name: "laptop", key: "right-key", project: "acme" }];
  const gatekeeper = createGatekeeper({ keys, environment: {}, token: undefined, loopback: true });
  expect(gatekeeper.admitModel({ authorization: "Bearer of-a-provider", "x-signalbox-key": "right-key" }).project).toBe("acme");
  expect(gatekeeper.admitModel({ "x-api-key": "right-key" }).key).toBe("laptop");
  expect(caught(() => gatekeeper.admitModel({ authorization: "Bearer wrong-key" })).status).toBe(401);
  expect(caught(() => gatekeeper.admitModel({})).status).toBe(401);
});

test("descendants of a session, of a sub-agent, and the line above a call", () => {
  const tree = createAgentTree();
  tree.note({ project: undefined, session: "s", agent: "s", parentAgent: undefined });
  tree.note({ project: undefined, session: "s", agent: "a", parentAgent: "s" });
  tree.note({ project: undefined, session: "s", agent: "b", parentAgent: "a" });
  tree.note({ project: undefined, session: "s", agent: "c", parentAgent: "b" });
  expect(tree.descendants("s")).toEqual(["a", "b", "c"]);
  expect(tree.descendants("a")).toEqual(["b", "c"]);
  expect(tree.lineage({ project: undefined, session: "s", agent: "new", parentAgent: "c" })).toEqual(["new", "c", "b", "a", "s"]);
  expect(tree.lineage({ project: undefined, session: "s", agent: "x", parentAgent: "x" })).toEqual(["x", "s"]);
  expect([tree.kindOf("s"), tree.kindOf("b"), tree.kindOf("nobody")]).toEqual(["session", "agent", undefined]);
});

test("the tree forgets the session that came first when it is full", () => {
  const tree = createAgentTree({ sessions: 2, agents: 1 });
  for (const session of ["one", "two", "three"]) tree.note({ project: undefined, session, agent: `${session}-a`, parentAgent: session });
  tree.note({ project: undefined, session: "three", agent: "beyond", parentAgent: "three" });
  expect([tree.kindOf("one"), tree.kindOf("one-a"), tree.descendants("three")]).toEqual([undefined, undefined, ["three-a"]]);
});

test("two projects with one and the same session are two; the plain id stands for both", () => {
  const tree = createAgentTree();
  const ofA = (id: string) => scopedId("a", id);
  const ofB = (id: string) => scopedId("b", id);
  tree.note({ project: "a", session: "s", agent: "child", parentAgent: "s" });
  tree.note({ project: "b", session: "s", agent: "child", parentAgent: "s" });
  tree.note({ project: "b", session: "s", agent: "grandchild", parentAgent: "child" });
  expect([tree.descendants(ofA("s")), tree.descendants(ofB("s")), tree.descendants("s")]).toEqual([
    ["child"],
    ["child", "grandchild"],
    ["child", "grandchild"],
  ]);
  expect([tree.descendants(ofA("child")), tree.descendants("child")]).toEqual([[], ["grandchild"]]);
  expect([tree.kindOf(ofA("s")), tree.kindOf("s"), tree.kindOf("grandchild"), tree.kindOf(ofA("grandchild"))]).toEqual([
    "session",
    "session",
    "agent",
    undefined,
  ]);
  const line = tree.lineage({ project: "b", session: "s", agent: "new", parentAgent: "grandchild" });
  expect(line).toEqual(["new", "grandchild", "child", "s", ofB("new"), ofB("grandchild"), ofB("child"), ofB("s")]);
});
