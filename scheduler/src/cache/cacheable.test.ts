import { expect, test } from "vitest";
import { scanChatRequest } from "../dialects/chat-request.ts";
import { scanEmbeddingsRequest } from "../dialects/embeddings.ts";
import { scanResponsesRequest } from "../dialects/responses-request.ts";
import { type CacheScope, exactKey, isCacheable, lastMessage } from "./cacheable.ts";
import { cacheDirectives } from "./directives.ts";

const ROUTE = { kind: "semantic", ttl_seconds: 60, threshold: 0.9, any_temperature: false } as const;
const SCOPE: CacheScope = { route: "r", key: "k", caller: undefined, project: "p", url: "/v1/chat/completions", beta: "" };
const chat = (more: object) =>
  scanChatRequest(Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...more })));

test.each<[string, object, boolean]>([
  ["temperature 0", { temperature: 0 }, true],
  ["a seed", { temperature: 1, seed: 4 }, true],
  ["nothing said", {}, false],
  ["a temperature", { temperature: 0.2 }, false],
  ["tools", { temperature: 0, tools: [{ type: "function" }] }, false],
  ["an empty list of tools", { temperature: 0, tools: [] }, true],
  ["functions", { temperature: 0, functions: [{ name: "f" }] }, false],
  ["two choices", { temperature: 0, n: 2 }, false],
])("a request with %s may be kept: %o %s", (_what, more, kept) => {
  expect(isCacheable(chat(more), ROUTE)).toBe(kept);
});

test("a route may allow any temperature, but never tools or what lies with the provider", () => {
  const any = { ...ROUTE, any_temperature: true };
  expect(isCacheable(chat({ temperature: 1 }), any)).toBe(true);
  expect(isCacheable(chat({ tools: [{}] }), any)).toBe(false);
  const responses = (more: object) => scanResponsesRequest(Buffer.from(JSON.stringify({ model: "m", input: "hi", ...more })));
  expect(isCacheable(responses({}), any)).toBe(true);
  expect(isCacheable(responses({ previous_response_id: "r1" }), any)).toBe(false);
  expect(isCacheable(scanEmbeddingsRequest(Buffer.from('{"model":"m","input":"x"}')), ROUTE)).toBe(true);
});

test("the key is of the question and whose it is, not of who asks it or in what order its fields come", () => {
  const base = exactKey(chat({ temperature: 0 }), SCOPE);
  expect(exactKey(chat({ user: "u", metadata: { a: 1 }, temperature: 0 }), SCOPE)).toBe(base);
  for (const other of [
    { temperature: 1 },
    { temperature: 0, stream: true },
    { temperature: 0, messages: [{ role: "user", content: "ho" }] },
  ]) {
    expect(exactKey(chat(other), SCOPE)).not.toBe(base);
  }
  for (const field of ["route", "key", "project", "url", "beta"] as const) {
    expect(exactKey(chat({ temperature: 0 }), { ...SCOPE, [field]: "other" })).not.toBe(base);
  }
});

test("a group is the question without its last message, which must be a user's text", () => {
  const messages = (...said: object[]) => lastMessage(chat({ messages: said }), SCOPE);
  const system = { role: "system", content: "s" };
  const one = messages(system, { role: "user", content: "hi" });
  expect(one?.text).toBe("hi");
  expect(messages(system, { role: "user", content: [{ type: "text", text: "ho" }] })).toEqual({ group: one?.group, text: "ho" });
  expect(messages({ role: "user", content: "hi" })?.group).not.toBe(one?.group);
  expect(messages({ role: "user", content: "hi" }, { role: "assistant", content: "yes" })).toBeUndefined();
  expect(messages({ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] })).toBeUndefined();
});

test.each([
  [{}, { read: true, write: true, maxAgeSeconds: Infinity }],
  [{ "cache-control": "no-cache" }, { read: false, write: true, maxAgeSeconds: Infinity }],
  [{ "cache-control": "No-Store" }, { read: false, write: false, maxAgeSeconds: Infinity }],
  [{ "cache-control": "max-age=60" }, { read: true, write: true, maxAgeSeconds: 60 }],
  [{ "x-signalbox-cache": "OFF" }, { read: false, write: false, maxAgeSeconds: Infinity }],
])("%j", (headers, directives) => {
  expect(cacheDirectives(headers)).toEqual(directives);
});
