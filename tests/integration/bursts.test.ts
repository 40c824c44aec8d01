/** Which sessions began more sub-agents within a minute than a runaway: the same as from all agents, whatever stands for another session. */
import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { burstsBetween } from "../../web/src/queries/explain-agents.ts";
import { connectionOptions } from "../../web/src/server/database.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const BEGIN = Date.parse("2026-11-01T00:00:00Z");
const at = (seconds: number) => new Date(BEGIN + seconds * 1000).toISOString();

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url, { ...connectionOptions(), max: 1 });
  // so many sub-agents of a session, from the first on each so many seconds after the one before
  const spawns: [session: string, count: number, from: number, every: number][] = [
    ["fast", 14, 100, 2],
    ["slow", 14, 100, 10],
    ["enough", 10, 100, 1],
    // together more than a runaway, each fewer
    ["family", 6, 200, 1],
    ["family-sub", 4, 210, 1],
    ["family-sub-sub", 2, 220, 1],
    // more than one already, with few that stand for it
    ["busy", 12, 300, 1],
    ["t:busy", 3, 310, 1],
    // stands for one that began none itself
    ["t:quiet", 11, 400, 5],
    // a trace that belongs to no session
    ["t:alone", 13, 500, 1],
    // half of it before the hour
    ["cut", 22, 3590, 1],
  ];
  for (const [session, count, from, every] of spawns)
    await sql`
      insert into agents (session_id, agent_id, project, parent_agent_id, depth, first_time, last_time)
      select ${session}, ${session} || '-' || number, 'default', case when number > 0 then ${session} end, (number > 0)::int, time, time
      from generate_series(0, ${count}::int) number,
        lateral (select ${at(from)}::timestamptz + (greatest(number, 1) - 1) * ${every}::float8 * interval '1 second' as time) at`;
  await sql`
    insert into session_aliases (alias, session_id) values
      ('family-sub', 'family'), ('family-sub-sub', 'family-sub'), ('t:busy', 'busy'), ('t:quiet', 'quiet'), ('t:elsewhere', 'fast')`;
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

const found = async (from: number, to: number) =>
  (await burstsBetween(sql, at(from), at(to))).map((row) => [row.session_id, row.sub_agents, row.peak_per_minute, row.seconds]);

it("adds up what belongs together, and counts what began in the range alone", async () => {
  expect(await found(0, 3_600)).toEqual([
    ["busy", 15, 15, 12],
    ["fast", 14, 14, 26],
    ["t:alone", 13, 13, 12],
    ["family", 12, 12, 21],
    ["quiet", 11, 11, 50],
  ]);
  expect(await found(3_600, 7_200)).toEqual([["cut", 12, 12, 11]]);
  expect(await found(3_580, 7_200)).toEqual([["cut", 22, 22, 21]]);
  expect(await found(7_200, 9_000)).toEqual([]);
});
