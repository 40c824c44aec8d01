import { expect, test } from "vitest";
import { unit } from "../routing/semantic/vectors.ts";
import { createReplyStore, type KeptReply } from "./reply-store.ts";

const LIMITS = { max_bytes: 10_000, max_entries: 3, max_entry_bytes: 2_000 };
const reply = (bytes: number, more: Partial<KeptReply> = {}): KeptReply => ({
  contentType: "application/json",
  body: Buffer.alloc(bytes),
  storedAt: 1_000,
  usage: undefined,
  costNanousd: 5,
  meaning: undefined,
  ...more,
});

test("what was not asked for longest goes first, and is counted", () => {
  const store = createReplyStore(LIMITS);
  for (const key of ["a", "b", "c"]) store.put(key, reply(10));
  store.get("a", 0);
  store.put("d", reply(10));
  expect(["a", "b", "c", "d"].filter((key) => store.get(key, 0))).toEqual(["a", "c", "d"]);
  expect([store.entries, store.dropped]).toEqual([3, 1]);
});

test("bytes are bounded, whatever is put in", () => {
  const store = createReplyStore({ max_bytes: 5_000, max_entries: 1_000, max_entry_bytes: 2_000 });
  for (let n = 0; n < 200; n++) {
    store.put(`k${n % 17}`, reply((n * 311) % 2_300, { meaning: { group: `g${n % 3}`, vector: unit([n, 1]) } }));
    expect(store.bytes).toBeLessThanOrEqual(5_000);
  }
  store.put("large", reply(2_001));
  expect(store.get("large", 0)).toBeUndefined();
  for (let n = 0; n < 17; n++) store.put(`k${n}`, reply(4_000));
  expect(store.entries * 512).toBeLessThanOrEqual(store.bytes);
});

test("nothing older than was asked for is given", () => {
  const store = createReplyStore(LIMITS);
  store.put("a", reply(10, { storedAt: 1_000 }));
  expect(store.get("a", 1_001)).toBeUndefined();
  expect(store.get("a", 1_000)).toBeDefined();
});

test("the nearest of a group is found if it is near enough; those of other groups, and of other models, are not looked at", () => {
  const store = createReplyStore(LIMITS);
  store.put("near", reply(1, { meaning: { group: "g", vector: unit([1, 0.2]) } }));
  store.put("nearer", reply(2, { meaning: { group: "g", vector: unit([1, 0.1]) } }));
  store.put("other", reply(3, { meaning: { group: "h", vector: unit([1, 0]) } }));
  expect(store.nearest("g", unit([1, 0]), 0.9, 0)?.reply.body.length).toBe(2);
  expect(store.nearest("g", unit([0, 1]), 0.9, 0)).toBeUndefined();
  expect(store.nearest("g", unit([1, 0, 0]), 0.5, 0)).toBeUndefined();
  expect(store.nearest("g", unit([1, 0]), 0.9, 1_001)).toBeUndefined();
});
