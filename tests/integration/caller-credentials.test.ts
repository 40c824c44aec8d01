/** A caller's own login at a vendor, for pools that want it: Codex with a ChatGPT login, Claude Code with a subscription. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Provider } from "../support/provider.ts";
import { startResponsesProvider } from "../support/provider-responses.ts";
import { type SchedulerUnderTest, startSchedulerUnderTest } from "./scheduler-support.ts";

let provider: Provider;
let scheduler: SchedulerUnderTest;
const LOGIN = { authorization: "Bearer users-own-login", "chatgpt-account-id": "account-1" };

beforeAll(async () => {
  provider = await startResponsesProvider({ script: () => ({ text: "Understood." }) });
  const pool = (rest: string) =>
    `{ silicon: cloud, engine: openai-compatible, base_url: "${provider.url}/v1", dialects: [responses], ${rest} }`;
  scheduler = await startSchedulerUnderTest(
    `
pools:
  - ${pool('name: subscription, credentials: caller, models: [{ id: "mine" }, { id: "either", tier: 1 }]')}
  - ${pool('name: ours, api_key_env: OUR_KEY, models: [{ id: "house" }, { id: "either", tier: 1 }]')}
keys: [{ name: laptop, key: signalbox-key }]
`,
    { token: "admin", environment: { OUR_KEY: "house-key" } },
  );
});
afterAll(async () => {
  await scheduler.close();
  await provider.close();
});

const ask = (model: string, headers: Record<string, string>) =>
  fetch(`${scheduler.url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, input: "hello" }),
  });

it("goes to a pool of `credentials: caller`, and our key does not", async () => {
  const reply = await ask("mine", { ...LOGIN, "x-signalbox-key": "signalbox-key", "x-signalbox-credentials": "caller" });
  expect(reply.status).toBe(200);
  const { headers } = provider.ledger.at(-1) ?? { headers: {} };
  expect(headers).toMatchObject(LOGIN);
  expect(Object.keys(headers).filter((name) => name.startsWith("x-signalbox"))).toEqual([]);
});

it("goes to no other pool", async () => {
  const reply = await ask("house", { ...LOGIN, "x-signalbox-key": "signalbox-key", "x-signalbox-credentials": "caller" });
  expect(reply.status).toBe(200);
  const headers = provider.ledger.at(-1)?.headers;
  expect(headers?.authorization).toBe("Bearer house-key");
  expect(headers).not.toHaveProperty("chatgpt-account-id");
});

it("is no key of ours: without one the call is refused before it is placed", async () => {
  const before = provider.ledger.length;
  expect((await ask("mine", { ...LOGIN, "x-signalbox-credentials": "caller" })).status).toBe(401);
  expect((await ask("mine", LOGIN)).status).toBe(401);
  expect(provider.ledger.length).toBe(before);
});

it("a call without a login is not placed on such a pool, and our key never goes there", async () => {
  const refused = await ask("mine", { authorization: "Bearer signalbox-key" });
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining("credentials of their own")]);
  for (let call = 0; call < 4; call++) {
    expect((await ask("either", { authorization: "Bearer signalbox-key" })).status).toBe(200);
    expect(provider.ledger.at(-1)?.headers.authorization).toBe("Bearer house-key");
  }
});
