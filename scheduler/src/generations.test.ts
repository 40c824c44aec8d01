import { expect, test } from "vitest";
import type { Configured } from "./configured.ts";
import { createGenerations } from "./generations.ts";
import { createLog } from "./log.ts";
import type { ConnectionState } from "./pools/connection.ts";
import type { Pool } from "./pools/pool.ts";

interface FakePool {
  pool: Pool;
  seen: string[];
  state: ConnectionState;
}

function fakePool(name: string, state: ConnectionState = { kind: "healthy" }): FakePool {
  const fake: Omit<FakePool, "pool"> = { seen: [], state };
  const connection = {
    get state() {
      return fake.state;
    },
    start: () => fake.seen.push("start"),
    close: async () => void fake.seen.push("close"),
  };
  return Object.assign(fake, { pool: { name, connection } as unknown as Pool });
}

const parts = (...pools: FakePool[]) => ({ pools: pools.map(({ pool }) => pool), semantic: undefined }) as unknown as Configured;
const log = createLog(() => {});

test("what goes is closed when the last request that may use it has ended, and not before; what stays is not touched", async () => {
  const [a, b, c] = [fakePool("a"), fakePool("b"), fakePool("c")];
  const generations = createGenerations(parts(a, b), log);
  const early = generations.enter();
  await generations.replace(parts(b, c));
  const late = generations.enter();
  await generations.replace(parts(c));
  expect([early.parts.pools.length, late.parts.pools[0]?.name]).toEqual([2, "b"]);
  expect([a.seen, b.seen, c.seen]).toEqual([["start"], ["start"], ["start"]]);
  late.leave();
  expect([a.seen, b.seen]).toEqual([["start"], ["start"]]);
  early.leave();
  expect([a.seen, b.seen, c.seen]).toEqual([["start", "close"], ["start", "close"], ["start"]]);
  await generations.close();
  expect(c.seen).toEqual(["start", "close"]);
});

test("requests keep to the pools that are there until the new ones are up", async () => {
  const [a, b] = [fakePool("a"), fakePool("b", { kind: "starting" })];
  const first = parts(a);
  const generations = createGenerations(first, log);
  const replaced = generations.replace(parts(b));
  expect(generations.current).toBe(first);
  b.state = { kind: "unhealthy", reason: "no such file" };
  await replaced;
  expect(generations.current.pools).toEqual([b.pool]);
  await generations.close();
});

test("an end in the middle of a reload leaves nothing behind", async () => {
  const [a, b] = [fakePool("a"), fakePool("b", { kind: "starting" })];
  const generations = createGenerations(parts(a), log);
  const replaced = generations.replace(parts(b));
  await generations.close();
  await replaced;
  expect([a.seen, b.seen]).toEqual([
    ["start", "close"],
    ["start", "close"],
  ]);
});
