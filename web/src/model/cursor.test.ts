import { expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";

it("comes back as it went", () =>
  expect(decodeCursor<{ time: string; nanos: number }>(encodeCursor({ time: "x", nanos: 7 }), { time: "string", nanos: "number" })).toEqual(
    { time: "x", nanos: 7 },
  ));

it.each(["", "garbage", encodeCursor({ time: 5 }), encodeCursor([])])("refuses %j", (text) =>
  expect(decodeCursor<{ time: string }>(text, { time: "string" })).toBeUndefined(),
);
