import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchHeartbeat } from "./heartbeat.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @param answers whether it answers the question of that number, from 1 */
function watched(answers: (question: number) => boolean) {
  const seen = { questions: 0, silent: 0 };
  const worker = Object.assign(new EventEmitter(), {
    send() {
      if (answers(++seen.questions)) worker.emit("message", { type: "alive" });
      return true;
    },
  });
  const timer = watchHeartbeat(worker, 1_000, () => seen.silent++);
  return { seen, timer };
}

test("a worker that answers is left alone, also one that misses some questions", () => {
  const { seen, timer } = watched((question) => question % 4 === 0);
  vi.advanceTimersByTime(10_000);
  expect(seen).toEqual({ questions: 40, silent: 0 });
  clearInterval(timer);
});

test("one that answers no more is told of once, after the time it may be silent", () => {
  const { seen } = watched((question) => question < 3);
  vi.advanceTimersByTime(1_250);
  expect(seen.silent).toBe(0);
  vi.advanceTimersByTime(10_000);
  expect(seen).toEqual({ questions: 6, silent: 1 });
});
