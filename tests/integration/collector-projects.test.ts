/** Two projects that send the same session, agent, trace, span and message: neither touches what is stored of the other. */

import { Attribute } from "@signalbox/otel/conventions";
import postgres from "postgres";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Collector } from "../../collector-processor/src/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { recount, rollups } from "./collector-recount.ts";
import { dump, emptyTables, post, request, span, testCollector, untilReady } from "./collector-support.ts";

/** One writer: which of two has stored a row would tell in its slot. */
const CONFIG = `collector: { writers: 1 }
keys:
  - { name: a, key: key-a, project: a }
  - { name: b, key: key-b, project: b }
  - { name: house, key: key-house, project: default }`;
/** The id that every OpenClaw's main session has. */
const SESSION = "agent:main:main";

let database: TestDatabase;
let collector: Collector;
let sql: postgres.Sql;
beforeEach(async () => {
  database = await createDatabase();
  collector = await testCollector(database.url, CONFIG);
  await untilReady(collector.url);
  sql = postgres(database.url, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox" } });
});
afterEach(async () => {
  await sql.end();
  await collector.close();
  await database.drop();
});

/** A turn of the root agent and of a sub-agent, a span that names no session, and a failed call of `tokens` tokens. */
function spans(tokens: number, session = SESSION) {
  const said = JSON.stringify([{ role: "user", parts: [{ type: "text", content: "the same in both" }] }]);
  const root = { "session.id": session, [Attribute.signalboxAgentId]: session };
  const child = { "session.id": session, [Attribute.signalboxAgentId]: "child", [Attribute.parentAgentId]: session };
  const call = { "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 1 };
  return [
    span({ trace: 1, id: 1, attributes: { ...root, ...call, "gen_ai.input.messages": said } }),
    span({ trace: 1, id: 2, parent: 1, attributes: { ...child, "gen_ai.operation.name": "invoke_agent" } }),
    span({ trace: 1, id: 3, parent: 1, name: "no session" }),
    span({ trace: 2, id: 4, error: `failed in ${tokens}`, attributes: { ...root, ...call } }),
  ];
}
const send = async (project: string, tokens: number, session?: string) => {
  const { status } = await post(collector.url, request(spans(tokens, session)), { authorization: `Bearer key-${project}` });
  expect(status).toBe(200);
};

type Row = Record<string, unknown>;
/** The rows of one project, without what tells it apart. */
const rowsOf = (tables: Record<string, unknown[]>, project: string) => {
  const own = (row: unknown) => JSON.stringify(row).includes(`${project}\\u001f`);
  const plain = (row: unknown): Row => {
    const { project: _, ...rest } = JSON.parse(JSON.stringify(row).replaceAll(`${project}\\u001f`, "")) as Row;
    return rest;
  };
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.filter(own).map(plain)]));
};
const BY_SESSION = ["spans", "sessions", "agents", "session_aliases", "messages", "span_messages", "session_hour"];

it("each has its own rows, whoever comes first, and all that one has alone", async () => {
  await send("a", 10);
  const alone = rowsOf(await dump(database.url), "a");
  for (const table of BY_SESSION) expect(alone[table]?.length, table).toBeGreaterThan(0);
  await emptyTables(database.url);

  await Promise.all([send("b", 7_000), send("a", 10), send("b", 7_000), send("a", 10)]);
  const both = await dump(database.url);
  for (const table of BY_SESSION) {
    expect(rowsOf(both, "a")[table], table).toEqual(alone[table]);
    expect(both[table]?.length, table).toBe(2 * (alone[table]?.length ?? 0));
  }
  expect(await rollups(sql)).toEqual(await recount(sql));
  expect(await sql`select project, input_tokens::int, last_error from sessions where calls > 0 order by project`).toEqual([
    { project: "a", input_tokens: 20, last_error: "failed in 10" },
    { project: "b", input_tokens: 14_000, last_error: "failed in 7000" },
  ]);
  // the trace's span that named no session is its own project's
  expect(await sql`select root_of(session_id) as root from spans where name = 'no session' order by 1`).toEqual([
    { root: `a\u001f${SESSION}` },
    { root: `b\u001f${SESSION}` },
  ]);
});

it("in the default project an id is plain, and no id reaches into another project", async () => {
  await send("a", 10);
  await send("house", 20);
  await send("house", 30, `a\u001f${SESSION}`);
  expect(await sql`select session_id, project, input_tokens::int from sessions where calls > 0 order by session_id collate "C"`).toEqual([
    { session_id: `a\u001f${SESSION}`, project: "a", input_tokens: 20 },
    { session_id: `a ${SESSION}`, project: "default", input_tokens: 60 },
    { session_id: SESSION, project: "default", input_tokens: 40 },
  ]);
});
