import { expect, test } from "vitest";
import { type Identity, identify } from "../admission/identity.ts";
import { createClassifier, type IntentSubject } from "./intent.ts";

const CONFIG: Parameters<typeof createClassifier>[0] = {
  sla: {},
  tasks: { coding: { min_tier: 2, sla: "interactive" }, heartbeat: { sla: "standard" } },
  routes: [
    { name: "small", when: { prompt_tokens_below: 100, task: ["cron"] }, use: { silicon: ["cpu"] } },
    { name: "large", when: { prompt_tokens_above: 5_000 }, use: { min_tier: 1 } },
    { name: "acme", when: { users: ["acme/*", "*-bot"], keywords: ["Translate"] }, use: { models: ["m"] } },
  ],
};
const { classify } = createClassifier(CONFIG);
const subject = (headers: Record<string, string>, more: Partial<IntentSubject> = {}): IntentSubject => {
  const identity: Identity = identify(headers, { user: undefined, promptCacheKey: undefined }, "trace");
  return {
    identity,
    headers,
    key: undefined,
    role: undefined,
    applications: () => [],
    endpoint: "chat",
    promptTokens: 1_000,
    promptBytes: 4_000,
    now: undefined,
    tools: false,
    images: () => false,
    lastUserText: () => "",
    ...more,
  };
};

test.each([
  [{}, "standard", 0],
  [{ "x-signalbox-sla": "background", "x-signalbox-task": "coding" }, "background", 2],
  [{ "x-signalbox-task": "coding" }, "interactive", 2],
  [{ "x-signalbox-task": "heartbeat" }, "standard", 0],
  [{ "x-signalbox-channel": "telegram" }, "interactive", 0],
  [{ "x-signalbox-channel": "cron" }, "background", 0],
  [{ "x-signalbox-session": "agent:main:telegram:direct:1" }, "interactive", 0],
  [{ "x-signalbox-session": "agent:main:cron:job:run:1" }, "background", 0],
  [{ "x-signalbox-session": "agent:main:telegram:direct:1", "x-signalbox-agent": "agent:main:subagent:1" }, "standard", 0],
  [{ "x-claude-code-session-id": "s", "x-claude-code-request-class": "compaction" }, "background", 0],
  [{ "x-claude-code-session-id": "s", "x-claude-code-request-class": "main" }, "interactive", 0],
  [{ "session-id": "s", "thread-id": "s", "x-openai-subagent": "compact" }, "background", 0],
  [{ "x-signalbox-session": "agent:main:subagent:1" }, "standard", 0],
])("%j is of class %s and tier %i", (headers, sla, tier) => {
  const intent = classify(subject(headers as Record<string, string>));
  expect([intent.sla.class, intent.minTier]).toEqual([sla, tier]);
});

test("the first rule whose every condition holds wins", () => {
  const route = (headers: Record<string, string>, more: Partial<IntentSubject> = {}) => classify(subject(headers, more)).route;
  expect(route({ "x-signalbox-task": "cron" }, { promptTokens: 99 })).toBe("small");
  expect(route({ "x-signalbox-task": "cron" }, { promptTokens: 100 })).toBe("default");
  expect(route({ "x-signalbox-user": "acme/a" }, { promptTokens: 5_001 })).toBe("large");
  expect(route({ "x-signalbox-user": "acme/a" }, { lastUserText: () => "please TRANSLATE" })).toBe("acme");
  expect(route({ "x-signalbox-user": "my-bot" }, { lastUserText: () => "translate" })).toBe("acme");
  expect(route({ "x-signalbox-user": "bots" }, { lastUserText: () => "translate" })).toBe("default");
});

test("a class that does not exist is refused", () => {
  expect(() => classify(subject({ "x-signalbox-sla": "urgent" }))).toThrow(expect.objectContaining({ status: 400 }));
});

test("llm-d's headers set the targets of one request, over its class's", () => {
  const { sla } = classify(subject({ "x-slo-ttft-ms": "250", "x-signalbox-sla": "background" }));
  expect(sla).toEqual({ class: "background", deadlineMs: 600_000, ttftMs: 250 });
  expect(classify(subject({ "x-slo-tpot-ms": "12.5" })).sla).toMatchObject({ class: "standard", ttftMs: 5_000, tpotMs: 12.5 });
  expect(() => classify(subject({ "x-slo-ttft-ms": "fast" }))).toThrow('x-slo-ttft-ms is "fast"; expected milliseconds above 0');
});

test("an intent says which route it took and why", () => {
  expect(classify(subject({ "x-signalbox-task": "cron" }, { promptTokens: 99 }))).toMatchObject({
    route: "small",
    routeReason: "task cron, prompt tokens 99 < 100",
  });
  expect(classify(subject({}))).toMatchObject({ route: "default", routeReason: "no route matched" });
});

test("variants: a session stays on one side, and the decision says on which", () => {
  const use = { silicon: ["gpu" as const], models: ["m"] };
  const variants = [
    { name: "small", weight: 3, use: { models: ["s"] } },
    { name: "large", weight: 1, use: { models: ["l"] } },
  ];
  const { classify: split } = createClassifier({ ...CONFIG, routes: [{ name: "drafts", when: {}, use, variants }] });
  const intentOf = (session: string) => split(subject({ "x-signalbox-session": session }));
  const routes = Array.from({ length: 400 }, (_, index) => intentOf(`s${index}`));
  expect(Array.from({ length: 400 }, (_, index) => intentOf(`s${index}`).route)).toEqual(routes.map(({ route }) => route));
  const small = routes.filter(({ route }) => route === "drafts/small");
  expect(small.length).toBeGreaterThan(260);
  expect(small.length).toBeLessThan(340);
  expect(small[0]?.use).toEqual({ silicon: ["gpu"], models: ["s"] });
  expect(routes.find(({ route }) => route === "drafts/large")?.use).toEqual({ silicon: ["gpu"], models: ["l"] });
});

test("a class's confidence and weight reach placement", () => {
  const { classify: sure } = createClassifier({
    ...CONFIG,
    sla: { standard: { ttft_ms: 1_000, tpot_ms: 60, confidence: 0.99, weight: 7 } },
  });
  expect(sure(subject({})).sla).toEqual({ class: "standard", ttftMs: 1_000, tpotMs: 60, confidence: 0.99, weight: 7 });
});
