import { expect, test } from "vitest";
import { Unflushed } from "./unflushed.ts";
import type { Waiting } from "./write-queue.ts";

const events: string[] = [];
const item = (name: string): Waiting => ({
  batch: {} as Waiting["batch"],
  resolve: () => events.push(name),
  reject: (error) => events.push(`${name}: ${error.message}`),
});

test("a group is done with when Postgres' log was flushed past it, and given back when the connection is lost, also a moment later", () => {
  const unflushed = new Unflushed();
  unflushed.add(100, [item("a"), item("b")], 2);
  unflushed.add(200, [item("c")], 1);
  unflushed.flushed(99);
  expect([events, unflushed.spans]).toEqual([[], 3]);
  unflushed.flushed(199);
  expect([events, unflushed.spans, unflushed.isEmpty]).toEqual([["a", "b"], 1, false]);
  unflushed.rejectAll(new Error("lost"));
  expect(unflushed.isEmpty).toBe(true);
  unflushed.add(300, [item("d")], 1);
  unflushed.flushed(1_000);
  expect([events, unflushed.spans]).toEqual([["a", "b", "c: lost", "d: lost"], 0]);
});
