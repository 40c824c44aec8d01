import { expect, test, vi } from "vitest";
import { createSlotGate } from "./slot-gate.ts";

const gate = (queueLimit = 2) => createSlotGate({ pool: "p", slots: 1, queueLimit, timeoutMs: 1_000 });
const never = new AbortController().signal;

test("a slot passes to whoever waits longest, and nobody overtakes the line", async () => {
  const slots = gate();
  expect(slots.tryAcquire()).toBe(true);
  const order: string[] = [];
  const first = slots.wait(never).then(() => order.push("first"));
  const second = slots.wait(never).then(() => order.push("second"));
  expect(slots).toMatchObject({ active: 1, queued: 2 });
  slots.release();
  expect(slots.tryAcquire()).toBe(false);
  slots.release();
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
  expect(slots).toMatchObject({ active: 1, queued: 0 });
  slots.release();
  expect(slots.active).toBe(0);
});

test("a full line refuses", async () => {
  const slots = gate(0);
  slots.tryAcquire();
  await expect(slots.wait(never)).rejects.toMatchObject({ status: 429, code: "pool_queue_full" });
});

test("who leaves the line, or waits too long, takes no slot", async () => {
  vi.useFakeTimers();
  const slots = gate();
  slots.tryAcquire();
  const leave = new AbortController();
  const left = slots.wait(leave.signal);
  const late = slots.wait(never);
  leave.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  vi.advanceTimersByTime(1_000);
  await expect(late).rejects.toMatchObject({ status: 429 });
  vi.useRealTimers();
  slots.release();
  expect(slots).toMatchObject({ active: 0, queued: 0 });
});
