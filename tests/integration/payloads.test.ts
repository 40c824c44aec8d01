import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig as parseCollectorConfig } from "../../collector-processor/src/config.ts";
import { encodeBatch } from "../../collector-processor/src/exporters/encode-batch.ts";
import { Partitions } from "../../collector-processor/src/exporters/partitions.ts";
import { connect } from "../../collector-processor/src/exporters/postgres-connection.ts";
import { openWriter } from "../../collector-processor/src/exporters/postgres-writer.ts";
import { expire } from "../../collector-processor/src/retention/expire.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { retentionSchema } from "../../collector-processor/src/retention/retention-config.ts";
import type { PayloadRow } from "../../collector-processor/src/rows.ts";
import { emptyDraft } from "../../collector-processor/src/span-batch.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { startSchedulerUnderTest } from "./scheduler-support.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const REPLY = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "ünï <b>bold</b> 🙂" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 },
});
const EVENTS = [
  `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"one "},"finish_reason":null}]}\n\n`,
  `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"two"},"finish_reason":"stop"}]}\n\n`,
  `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n`,
  "data: [DONE]\n\n",
];

/** A provider that remembers the bytes that it got. */
let provider: http.Server;
let received: Buffer[] = [];
let database: TestDatabase;
let sql: postgres.Sql;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
  provider = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    received.push(body);
    if (!body.includes('"stream":true')) return void response.writeHead(200, { "content-type": "application/json" }).end(REPLY);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of EVENTS) response.write(event);
    response.end();
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  received = [];
  await sql`truncate payloads, spans`;
});
afterAll(async () => {
  provider?.close();
  await sql?.end();
  await database?.drop();
});

async function start(content: string) {
  const walDir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-payloads-"));
  const collector = await startCollector({
    host: "127.0.0.1",
    port: 0,
    databaseUrl: database.url,
    config: parseCollectorConfig("", "test.yaml", {}),
    walDir,
    log: silent,
  });
  closers.push(async () => {
    await collector.close();
    fs.rmSync(walDir, { recursive: true, force: true });
  });
  const { port } = provider.address() as AddressInfo;
  const config = `
pools:
  - { name: p, silicon: cloud, engine: openai-compatible, base_url: "http://127.0.0.1:${port}/v1", slots: 4, models: [{ id: m, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }] }
${content}`;
  const scheduler = await startSchedulerUnderTest(config, { otlpEndpoint: collector.url });
  closers.push(() => scheduler.close());
  return async (body: object) => {
    const answer = await fetch(`${scheduler.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-signalbox-session": "agent:raw:main" },
      body: JSON.stringify(body),
    });
    return answer.text();
  };
}

interface Stored {
  direction: string;
  bytes: string;
  is_truncated: boolean;
  body: Buffer;
  joins: boolean;
}
const stored = async () =>
  (
    await sql<Stored[]>`
      select p.direction, p.bytes, p.is_truncated, p.body, s.is_call as joins from payloads p left join spans s using (session_id, span_id)
      where p.session_id = 'agent:raw:main' order by p.start_time, p.direction desc`
  ).map((row) => ({ ...row, body: zstdDecompressSync(row.body) }));
const messages = (content: string) => [{ role: "user", content }];

it("keeps the exact bytes of each attempt, whole or streamed, beside its span", async () => {
  const call = await start("");
  await call({ model: "m", messages: messages("\u202ehostile ünï") });
  await call({ model: "m", messages: messages("again"), stream: true });
  await expect.poll(async () => (await stored()).filter((row) => row.joins).length, { timeout: 20_000 }).toBe(4);
  const rows = await stored();
  expect(rows.map((row) => row.body.toString())).toEqual([received[0]?.toString(), REPLY, received[1]?.toString(), EVENTS.join("")]);
  expect(rows.every((row) => !row.is_truncated && Number(row.bytes) === row.body.length)).toBe(true);
});

it("in one group with a span that came before they are stored, and it is not", async () => {
  const writer = await openWriter({ databaseUrl: database.url, slot: undefined, waitsForDisk: true }, new Partitions());
  closers.push(() => writer.connection.close());
  const draft = emptyDraft();
  const ids = {
    session_id: "repeats",
    trace_id: "0a".repeat(16),
    span_id: "0b".repeat(8),
    start_time: Date.now() * 1000,
    project: "default",
  };
  Object.assign(draft.row, ids);
  const body: PayloadRow = { ...ids, direction: "sent", bytes: 2, is_truncated: false, body: zstdCompressSync(Buffer.from("{}")) };
  expect((await writer.write([await encodeBatch([draft])])).inserted).toBe(1);
  expect((await writer.write([await encodeBatch([draft], [body])])).inserted).toBe(0);
  expect(await sql`select from payloads where session_id = 'repeats'`).toHaveLength(1);
});

it("keeps no secret, and of what is too long the beginning", async () => {
  const key = `sk-${"a1B2".repeat(8)}`;
  const call = await start("content: { max_body_bytes: 200 }");
  await call({ model: "m", messages: messages(`my key is ${key} ${"x".repeat(500)}`) });
  await expect.poll(async () => (await stored()).length, { timeout: 20_000 }).toBe(2);
  const [sent] = await stored();
  expect(sent?.body.toString()).toContain("my key is [redacted]");
  expect(received[0]?.toString()).toContain(key);
  expect(sent).toMatchObject({ is_truncated: true, bytes: String(received[0]?.length) });
  expect(sent?.body.length).toBeLessThan(220);
});

it("keeps those of copies beside their own spans, and no reply of theirs reaches the client", async () => {
  const call = await start("routes: [{ name: copied, when: {}, use: {}, shadow: { pool: p, share: 1, max_usd_per_day: 5 } }]");
  const body = { model: "m", max_tokens: 10, messages: messages("hello") };
  expect(await call(body)).toBe(REPLY);
  const copies = async () =>
    sql<{ direction: string; body: Buffer }[]>`select p.direction, p.body from payloads p join spans s using (session_id, span_id)
      where p.session_id = 'signalbox:shadow:copied' order by p.direction desc`;
  await expect.poll(async () => (await copies()).length, { timeout: 20_000 }).toBe(2);
  expect((await copies()).map((row) => zstdDecompressSync(row.body).toString())).toEqual([JSON.stringify(body), REPLY]);
});

it("keeps nothing where it is switched off", async () => {
  const call = await start("content: { raw: off }");
  await call({ model: "m", messages: messages("hello") });
  await expect.poll(async () => (await sql`select from spans where is_call`).length, { timeout: 20_000 }).toBe(1);
  expect(await stored()).toEqual([]);
});

it("deletes what is past its days, and only that", async () => {
  const row = (session: string, days: number) => sql`insert into payloads values
    (${session}, '\\x01', 'sent', now() - ${days} * interval '1 day', 'default', 1, false, '\\x00')`;
  await row("old", 8);
  await row("young", 6);
  const connection = await connect(database.url);
  const limits = retentionLimits({ ...retentionSchema.parse(undefined), payload_days: 7 });
  expect(await expire(connection, { limits, now: Date.now() })).toMatchObject({ payloads: 1, spans: 0 });
  await connection.close();
  expect(await sql`select session_id from payloads`).toMatchObject([{ session_id: "young" }]);
});
