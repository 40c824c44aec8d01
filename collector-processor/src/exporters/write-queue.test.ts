import { expect, it } from "vitest";
import type { EncodedBatch } from "./encode-batch.ts";
import { type Waiting, WriteQueue } from "./write-queue.ts";

const LIMITS = { spans: 1_000, bytes: 1_000_000 };
const NEVER = new AbortController().signal;
const LONG_MS = 60_000;

const queueOf = () => new WriteQueue({ spans: 100_000, bytes: 100_000_000 });
function item(spanCount: number): Waiting {
  return { batch: { spanCount, bytes: spanCount, repeated: false } as EncodedBatch, resolve() {}, reject() {} };
}
const spans = (group: Waiting[]) => group.map(({ batch }) => batch.spanCount);

it("gathers for one at a time, until a group is worth its transaction", async () => {
  const queue = queueOf();
  const first = queue.take(LIMITS, NEVER, LONG_MS);
  const second = queue.take(LIMITS, NEVER, LONG_MS);
  for (const count of [100, 100, 40]) queue.add(item(count));
  const pending = await Promise.race([first, second, new Promise((resolve) => setImmediate(() => resolve("pending")))]);
  expect(pending).toBe("pending");
  queue.add(item(10));
  expect(spans(await first)).toEqual([100, 100, 40, 10]);
  for (const count of [900, 200]) queue.add(item(count));
  expect(spans(await second)).toEqual([900]);
  expect(spans(await queue.take(LIMITS, NEVER))).toEqual([200]);
});

it("gathers more while another group is under way", async () => {
  const queue = queueOf();
  queue.add(item(250));
  expect(spans(await queue.take(LIMITS, NEVER, LONG_MS))).toEqual([250]);
  const meanwhile = queue.take(LIMITS, NEVER, LONG_MS);
  queue.add(item(499));
  await new Promise((resolve) => setImmediate(resolve));
  queue.add(item(1));
  expect(spans(await meanwhile)).toEqual([499, 1]);
  const afterwards = queue.take(LIMITS, NEVER, LONG_MS);
  queue.add(item(250));
  await new Promise((resolve) => setImmediate(resolve));
  queue.settled();
  queue.settled();
  expect(spans(await afterwards)).toEqual([250]);
});

it("leaves what is beyond one group to another that waits", async () => {
  const queue = queueOf();
  const takers = [queue.take(LIMITS, NEVER, LONG_MS), queue.take(LIMITS, NEVER, LONG_MS)];
  for (const count of [900, 900]) queue.add(item(count));
  expect((await Promise.all(takers)).map(spans)).toEqual([[900], [900]]);
});

it("gathers no longer when it is closed, and gives nobody more", async () => {
  const queue = queueOf();
  const takers = [queue.take(LIMITS, NEVER, LONG_MS), queue.take(LIMITS, NEVER, LONG_MS)];
  queue.add(item(1));
  await new Promise((resolve) => setImmediate(resolve));
  queue.close();
  expect((await Promise.all(takers)).map(spans)).toEqual([[1], []]);
});

it("gathers little for so long alone", async () => {
  const queue = queueOf();
  queue.add(item(1));
  expect(spans(await queue.take(LIMITS, NEVER, 1))).toEqual([1]);
});

it("waits for work as long as it is told, and leaves what comes later to others", async () => {
  const queue = queueOf();
  const patient = queue.take(LIMITS, NEVER);
  expect(await queue.take(LIMITS, NEVER, 0, 1)).toEqual([]);
  queue.add(item(1));
  expect(spans(await patient)).toEqual([1]);
});

it("waits no longer where another gathers", async () => {
  const queue = queueOf();
  const gathering = queue.take(LIMITS, NEVER, LONG_MS);
  queue.add(item(1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(await queue.take(LIMITS, NEVER, LONG_MS, 1)).toEqual([]);
  queue.close();
  expect(spans(await gathering)).toEqual([1]);
});
