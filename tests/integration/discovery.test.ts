/** First start without a config: what is taken for a pool, and what is not. */

import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { CLOUD_PROVIDERS, type CloudProvider } from "../../scheduler/src/pools/discovery/cloud.ts";
import { configOf, discover } from "../../scheduler/src/pools/discovery/discover.ts";
import { lookForFiles } from "../../scheduler/src/pools/discovery/gguf-files.ts";
import { LOCAL_SERVERS } from "../../scheduler/src/pools/discovery/local-servers.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Answers paths with JSON, or with `undefined` never. */
async function serve(answers: Record<string, unknown>) {
  const asked: { path: string; headers: http.IncomingHttpHeaders }[] = [];
  const server = http.createServer((request, response) => {
    const place = (request.url ?? "").split("?")[0] ?? "";
    asked.push({ path: place, headers: request.headers });
    if (!(place in answers)) response.writeHead(404).end("{}");
    else if (answers[place] !== undefined)
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[place]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const at = (name: string, origin: string) =>
  LOCAL_SERVERS.filter((server) => server.name === name).map((server) => ({ ...server, origin }));
const nothing = { environment: {}, home: "/nonexistent", servers: [], providers: [], folders: [] };
const listOf = (owned_by: string, ...ids: string[]) => ({ object: "list", data: ids.map((id) => ({ id, object: "model", owned_by })) });

test("each kind of server is told by its own answer", async () => {
  const answers = {
    ollama: { "/api/tags": { models: [{ name: "qwen3:8b", modified_at: "2026-01-01T00:00:00Z", digest: "abc", size: 1 }] } },
    "lm-studio": {
      "/api/v0/models": {
        object: "list",
        data: [
          { id: "qwen3-8b", object: "model", type: "llm", arch: "qwen3", state: "loaded" },
          { id: "nomic", object: "model", type: "embeddings", arch: "bert", state: "not-loaded" },
        ],
      },
    },
    vllm: { "/v1/models": listOf("vllm", "Qwen/Qwen3-8B") },
    "llama-server": { "/v1/models": listOf("llamacpp", "model.gguf") },
  };
  for (const [name, answer] of Object.entries(answers)) {
    const { origin } = await serve(answer);
    const findings = await discover({ ...nothing, servers: at(name, origin) });
    expect(findings).toMatchObject([{ local: true, pool: { name, base_url: `${origin}/v1`, models: [{ tier: 0 }] } }]);
    const config = configOf(findings, {});
    expect(config.pools.map((pool) => pool.name)).toEqual([name]);
    expect(config.models.auto?.any_of).toEqual(config.pools[0]?.models.map((model) => model.id));
  }
});

test("an open port, another program's JSON, an error or silence is no model server", async () => {
  const other = { "/api/tags": { tags: ["a"] }, "/v1/models": listOf("somebody", "x"), "/api/v0/models": [] };
  const silent = { "/api/tags": undefined, "/v1/models": undefined, "/api/v0/models": undefined };
  for (const answers of [other, {}, silent]) {
    const { origin, asked } = await serve(answers);
    const servers = LOCAL_SERVERS.map((server) => ({ ...server, origin }));
    expect(await discover({ ...nothing, servers })).toEqual([]);
    expect(asked.length).toBe(servers.length);
  }
  const closed = LOCAL_SERVERS.map((server) => ({ ...server, origin: "http://127.0.0.1:9" }));
  expect(await discover({ ...nothing, servers: closed })).toEqual([]);
});

test("a provider's key: its own models by name, the demo for auto, and the key in no place but the environment", async () => {
  const { origin, asked } = await serve({ "/v1/models": { object: "list", data: [{ id: "big-model" }, { id: "small-model" }] } });
  const providers = CLOUD_PROVIDERS.map(
    (provider): CloudProvider => ({
      ...provider,
      base_url: provider.engine === "anthropic" ? origin : `${origin}/v1`,
    }),
  );
  const environment = { OPENAI_API_KEY: "sk-secret-1", ANTHROPIC_API_KEY: "sk-secret-2" };
  const findings = await discover({ ...nothing, environment, providers });
  expect(asked.map(({ headers }) => headers.authorization ?? headers["x-api-key"]).sort()).toEqual(["Bearer sk-secret-1", "sk-secret-2"]);
  expect(JSON.stringify(findings)).not.toContain("sk-secret");
  const config = configOf(findings, environment);
  expect(config.pools.map((pool) => pool.name)).toEqual(["demo-cpu", "demo-gpu", "anthropic", "openai"]);
  expect(config.pools[3]).toMatchObject({ api_key_env: "OPENAI_API_KEY", dialects: ["chat", "responses"], silicon: "cloud" });
  expect(config.models.auto?.any_of).toEqual(["signalbox-demo"]);
});

test("a provider that does not list its models is not used, and that is said", async () => {
  const { origin } = await serve({});
  const [openai] = CLOUD_PROVIDERS.filter((provider) => provider.name === "openai");
  const providers = openai ? [{ ...openai, base_url: origin }] : [];
  const findings = await discover({ ...nothing, environment: { OPENAI_API_KEY: "sk-x" }, providers });
  expect(findings).toMatchObject([{ pool: undefined, text: expect.stringContaining("OPENAI_API_KEY is set, but") }]);
  expect(configOf(findings, {}).pools.map((pool) => pool.name)).toEqual(["demo-cpu", "demo-gpu"]);
});

test("GGUF files: the largest that memory has room for, of those that are models", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-gguf-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const write = async (name: string, bytes: number, magic = "GGUF") => {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), Buffer.concat([Buffer.from(magic), Buffer.alloc(bytes)]));
  };
  await write("small.gguf", 100);
  await write("deep/er/middle.gguf", 2_000);
  await write("large.gguf", 50_000);
  await write("fake.gguf", 3_000, "NOPE");
  await write("mmproj-x.gguf", 3_000);
  await write("split-00002-of-00002.gguf", 3_000);
  const findings = await lookForFiles([folder, "/nonexistent"], 10_000);
  expect(findings).toMatchObject([{ pool: { model: path.join(folder, "deep/er/middle.gguf"), models: [{ id: "middle" }] } }]);
  expect(findings[0]?.text).toContain("3 GGUF files");
  expect(configOf(findings, {}).models.auto?.any_of).toEqual(["middle"]);
  expect(await lookForFiles([folder], 100)).toMatchObject([{ pool: undefined, text: expect.stringContaining("not used") }]);
});
