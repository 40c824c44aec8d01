import { expect, test } from "vitest";
import { Unavailable } from "../pipeline.ts";
import { Admission } from "./admission.ts";

const anything = () => null;
/** How it ended: the order in which requests were let in, and who was refused. */
function watched(admission: Admission) {
  const events: string[] = [];
  const enter = async (name: string, bytes: number) => {
    try {
      const held = await admission.enter(bytes);
      events.push(name);
      return held;
    } catch (error) {
      events.push(`${name}: ${(error as Error).message}`);
      throw error;
    }
  };
  return { events, enter };
}

test("what has no room waits, and is let in in the order of arrival, a small one not before a large one", async () => {
  const { events, enter } = watched(new Admission({ maxBytes: 100, waitMs: 10_000 }, anything));
  const [first, second] = await Promise.all([enter("first", 60), enter("second", 40)]);
  const large = enter("large", 50);
  const small = enter("small", 1);
  second.is(0);
  await expect.poll(() => events).toEqual(["first", "second"]);
  first.is(0);
  await Promise.all([large, small]);
  expect(events).toEqual(["first", "second", "large", "small"]);
});

test("one alone may be larger; what waits too long, and what grows beyond the room, is refused", async () => {
  const { events, enter } = watched(new Admission({ maxBytes: 100, waitMs: 50 }, anything));
  const alone = await enter("alone", 500);
  await expect(enter("late", 1)).rejects.toThrow(Unavailable);
  alone.is(20);
  const unsaid = await enter("unsaid", 0);
  unsaid.arrived(80);
  expect(() => unsaid.arrived(1)).toThrow("too many requests");
  unsaid.is(0);
  alone.is(0);
  expect(await enter("next", 100)).toBeDefined();
  expect(events).toEqual(["alone", "late: too many requests are under way", "unsaid", "next"]);
});

test("the last stage says whether it has room, by what is asked for and what is under way", async () => {
  const asked: [number, number][] = [];
  let full = true;
  const admission = new Admission({ maxBytes: 100, waitMs: 10_000 }, (bytes, others) => {
    asked.push([bytes, others]);
    return full ? new Unavailable("the log is full") : null;
  });
  const waiting = admission.enter(30);
  await expect.poll(() => asked.length).toBeGreaterThan(1);
  full = false;
  await waiting;
  await admission.enter(10);
  expect(asked.at(-1)).toEqual([10, 30]);
});
