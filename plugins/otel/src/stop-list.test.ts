import { expect, it } from "vitest";
import { StopList } from "./stop-list.ts";

const event = (type: string, session: string, more: object = {}) => ({ id: "1", type, data: { session, ...more } });

it("holds for agents below what was stopped, a kill before a pause, and for nobody after a resume", () => {
  const stops = new StopList();
  stops.take(event("session.paused", "root", { reason: "wait" }));
  stops.take(event("session.killed", "kid", { reason: "loops", descendants: ["grandkid"] }));
  expect(stops.of(["root"], undefined)).toEqual({ session: "root", state: "paused", reason: "wait" });
  expect(stops.of(["grandkid", "root"], undefined)).toEqual({ session: "kid", state: "killed", reason: "loops" });
  expect(stops.of(["other"], undefined)).toBeUndefined();
  stops.take(event("session.resumed", "kid", { descendants: ["grandkid"] }));
  expect(stops.of(["grandkid"], undefined)).toBeUndefined();
  expect(stops.take(event("budget.warn", "root"))).toBeUndefined();
});

it("of one project it holds in that one; of none in all, and so lifts it", () => {
  const stops = new StopList();
  expect(stops.take(event("session.killed", "s", { project: "a" }))).toEqual({ ids: ["s"], project: "a" });
  expect(stops.of(["s"], "a")).toMatchObject({ state: "killed" });
  for (const other of ["b", undefined]) expect(stops.of(["s"], other)).toBeUndefined();
  stops.take(event("session.resumed", "s", { project: "b" }));
  expect(stops.of(["s"], "a")).toBeDefined();
  stops.take(event("session.resumed", "s"));
  expect(stops.of(["s"], "a")).toBeUndefined();

  stops.replace([
    { session: "s", state: "killed", reason: "" },
    { session: "t", project: "a", state: "paused", reason: "" },
  ]);
  for (const project of ["a", "b", undefined]) expect(stops.of(["s"], project)).toMatchObject({ state: "killed" });
  expect([stops.of(["t"], "a")?.state, stops.of(["t"], "b")]).toEqual(["paused", undefined]);
});
