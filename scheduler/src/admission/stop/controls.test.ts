import { expect, test } from "vitest";
import { createLog } from "../../log.ts";
import type { Database } from "../postgres/database.ts";
import type { Query } from "../postgres/session.ts";
import { createControls } from "./controls.ts";

/** A database whose answers come when the test says so. */
function slowDatabase() {
  const waiting: ((rows: unknown[]) => void)[] = [];
  let notify: (payload: string) => void = () => {};
  const query = (() => new Promise<unknown[]>((resolve) => waiting.push(resolve))) as unknown as Query;
  const database: Database = {
    up: true,
    awayBecause: undefined,
    run: (work) => work(query),
    onUp() {},
    onNotify(_channel, listener) {
      notify = listener;
    },
    start: async () => {},
    close: async () => {},
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    database,
    notify: (id: string) => notify(JSON.stringify({ session: id })),
    async answer(...rows: unknown[]) {
      waiting.shift()?.(rows);
      await settle();
    },
  };
}

test("a read that was sent before a stop was lifted, and answers after, does not bring it back", async () => {
  const { database, notify, answer } = slowDatabase();
  const controls = createControls(
    database,
    createLog(() => {}),
  );
  const heard: string[] = [];
  controls.onChange(({ state }) => heard.push(state));
  const at = 1_795_262_400_000;
  const paused = { id: "s", state: "paused" as const, reason: "", source: "api" as const };
  void controls.set([{ ...paused, changedAt: at }]);
  await answer();
  notify("s");
  void controls.set([{ ...paused, state: "active", changedAt: at + 5 }]);
  await answer({ ...paused, changed_at: new Date(at) });
  expect(controls.stopOf(["s"])).toBeUndefined();
  expect(heard).toEqual([]);

  notify("s");
  await answer();
  await answer({ ...paused, state: "killed", changed_at: new Date(at + 9) });
  expect(controls.stopOf(["s"])).toMatchObject({ state: "killed" });
  expect(heard).toEqual(["killed"]);
});
