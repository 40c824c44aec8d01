/**
 * What Claude Code and Codex really sent (tests/fixtures), sent again: every request is served, on a pool of the agent's own dialect and on
 * pools of others, and counts for the session that the agent named. Texts in the captures are cut; schemas that were left out are filled in.
 */

import { Attribute, ResponseHeader } from "@signalbox/otel/conventions";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FixtureFile, readFixtures } from "../agents/capture/fixture-folder.ts";
import type { RequestRecord } from "../agents/capture/fixture-format.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startAnthropicProvider } from "../support/provider-anthropic.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest } from "./scheduler-support.ts";

interface Captured {
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

const AGENTS = {
  "claude-code": { path: /^\/v1\/messages\b/, session: "x-claude-code-session-id", last: "event: message_stop" },
  codex: { path: /^\/v1\/responses\b/, session: "session-id", last: "event: response.completed" },
};
type Agent = keyof typeof AGENTS;

const ENGINES = {
  anthropic: { start: startAnthropicProvider, config: (url: string) => `engine: anthropic, base_url: "${url}"` },
  responses: {
    start: startResponsesProvider,
    config: (url: string) => `engine: openai-compatible, base_url: "${url}/v1", dialects: [responses]`,
  },
  chat: { start: startProvider, config: (url: string) => `engine: openai-compatible, base_url: "${url}/v1"` },
};
type Engine = keyof typeof ENGINES;

function requestsOf({ records }: FixtureFile, path: RegExp): Captured[] {
  const requests = records.filter((record): record is RequestRecord => record.kind === "request" && path.test(record.path));
  const bodies = new Map(requests.map(({ n, body }) => [n, body as Record<string, unknown>]));
  return requests.map(({ path: to, headers, body }) => ({ path: to, headers: sendable(headers), body: restore(body as object, bodies) }));
}

/** Less what belongs to the connection, and the keys, which were taken out. */
const sendable = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name, value]) => !/^(host|connection|content-length|accept-encoding)$/.test(name) && value !== "[redacted]"),
  );

const SAME_AS = /^\[as in request (\d+)\]$/;
const LEFT_OUT = /^\[… \d+ characters\] of JSON$/;

function restore(body: object, bodies: ReadonlyMap<number, Record<string, unknown>>): Record<string, unknown> {
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") return LEFT_OUT.test(value) ? { type: "object", properties: {} } : value;
    if (Array.isArray(value)) return value.map(fill);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fill(inner)]));
  };
  const entries = Object.entries(body).map(([name, value]): [string, unknown] => {
    const same = typeof value === "string" ? SAME_AS.exec(value)?.[1] : undefined;
    return [name, fill(same === undefined ? value : bodies.get(Number(same))?.[name])];
  });
  return Object.fromEntries(entries);
}

describe.each(Object.keys(AGENTS) as Agent[])("%s", (agent) => {
  const { path, session, last } = AGENTS[agent];
  const fixtures = readFixtures(agent);
  const all = fixtures.flatMap((fixture) => requestsOf(fixture, path));
  const models = [...new Set(all.map(({ body }) => String(body.model)))];

  test("there is something to replay", () => expect(all.length).toBeGreaterThan(20));

  describe.each(Object.keys(ENGINES) as Engine[])("on %s", (engine) => {
    let provider: Provider;
    let scheduler: SchedulerUnderTest;
    beforeAll(async () => {
      provider = await ENGINES[engine].start({ script: () => ({ text: "Understood." }) });
      const ids = models.map((id) => `{ id: "${id}" }`).join(", ");
      scheduler = await startSchedulerUnderTest(
        `pools:\n  - { name: remote, silicon: cloud, ${ENGINES[engine].config(provider.url)}, models: [${ids}] }`,
      );
    });
    afterAll(async () => {
      await scheduler.close();
      await provider.close();
    });

    test.each(fixtures.map((fixture) => [fixture.header.scenario, fixture] as const))("%s", async (_scenario, fixture) => {
      for (const { path: to, headers, body } of requestsOf(fixture, path)) {
        const reply = await fetch(scheduler.url + to, { method: "POST", headers, body: JSON.stringify(body) });
        const text = await reply.text();
        expect(text, `${to} was answered ${reply.status}`).toContain(body.stream ? last : "Understood.");
        expect(reply.status).toBe(200);
        const [attempt] = await scheduler.sink.decision(reply.headers.get(ResponseHeader.decision) ?? "", 2);
        expect(attempt?.attributes[Attribute.sessionId]).toBe(headers[session]);
        expect(attempt?.attributes[Attribute.agentKind]).toBe(agent);
        expect(attempt?.attributes[Attribute.outputTokens]).toBe(provider.ledger.at(-1)?.usage.output);
      }
    });
  });
});
