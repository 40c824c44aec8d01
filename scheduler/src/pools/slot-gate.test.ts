import { expect, test, vi } from "vitest";
import { createSlotGate } from "./slot-gate.ts";

const gate = (queueLimit = 2) => createSlotGate({ pool: "p", slots: 1, queueLimit, timeoutMs: 1_000 });
const never = new AbortController().signal;

test("a slot passes to whoever is due first, of equals to who waits longest, and nobody overtakes the line", async () => {
  const slots = gate(4);
  expect(slots.tryAcquire()).toBe(true);
  const order: string[] = [];
  const enter = (name: string, dueAt: number) => slots.wait(never, dueAt).then(() => order.push(name));
  const all = [enter("whenever", Infinity), enter("later", 2_000), enter("later too", 2_000), enter("soon", 1_000)];
  expect(slots).toMatchObject({ active: 1, queued: 4 });
  expect([500, 1_000, 2_000, Infinity].map((dueAt) => slots.queuedAhead(dueAt))).toEqual([0, 1, 3, 4]);
  slots.release();
  expect(slots.tryAcquire()).toBe(false);
  for (let count = 0; count < 3; count++) slots.release();
  await Promise.all(all);
  expect(order).toEqual(["soon", "later", "later too", "whenever"]);
  expect(slots).toMatchObject({ active: 1, queued: 0 });
  slots.release();
  expect(slots.active).toBe(0);
});

test("a full line refuses", async () => {
  const slots = gate(0);
  slots.tryAcquire();
  await expect(slots.wait(never, Infinity)).rejects.toMatchObject({ status: 429, code: "pool_queue_full" });
});

test("who leaves the line, or waits too long, takes no slot", async () => {
  vi.useFakeTimers();
  const slots = gate();
  slots.tryAcquire();
  const leave = new AbortController();
  const left = slots.wait(leave.signal, Infinity);
  const late = slots.wait(never, Infinity);
  leave.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  vi.advanceTimersByTime(1_000);
  await expect(late).rejects.toMatchObject({ status: 429 });
  vi.useRealTimers();
  slots.release();
  expect(slots).toMatchObject({ active: 0, queued: 0 });
});

test("who is due later than the usual wait ends waits until then", async () => {
  vi.useFakeTimers();
  const slots = gate();
  slots.tryAcquire();
  const patient = slots.wait(never, Date.now() + 600_000);
  const outcome = expect(patient).rejects.toMatchObject({ status: 429 });
  vi.advanceTimersByTime(599_999);
  expect(slots.queued).toBe(1);
  vi.advanceTimersByTime(1);
  await outcome;
  vi.useRealTimers();
  expect(slots.queued).toBe(0);
});
