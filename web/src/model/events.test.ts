import { expect, it } from "vitest";
import type { FleetEvent } from "../api/event.ts";
import { countUnseen } from "./events.ts";

const event = (id: string, second: number) =>
  ({ span_id: id, time: `2026-11-21T00:00:${String(second).padStart(2, "0")}.000000000Z` }) as FleetEvent;

it("counts what is new above, and what arrived late between, but not what is below the page", () => {
  const shown = [event("c", 30), event("b", 20), event("a", 10)];
  expect(countUnseen([event("e", 50), event("d", 40), ...shown], shown)).toBe(2);
  expect(countUnseen([event("late", 15), ...shown], shown)).toBe(1);
  expect(countUnseen([...shown, event("older", 5)], shown)).toBe(0);
});
it("counts everything where nothing is shown", () => expect(countUnseen([event("a", 1)], [])).toBe(1));
