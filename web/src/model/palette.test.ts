import { expect, it } from "vitest";
import { matchEntries } from "./palette.ts";

const entry = (label: string, detail?: string) => ({ id: label, group: "Pages" as const, label, ...(detail ? { detail } : {}) });
const labels = (typed: string) =>
  matchEntries([entry("Overview"), entry("scout", "agent:scout:telegram:77"), entry("Routes")], typed).map((one) => one.label);

it("gives everything, in order, where nothing is typed", () => expect(labels(" ")).toEqual(["Overview", "scout", "Routes"]));
it("finds each word anywhere", () => expect(labels("TELE 77")).toEqual(["scout"]));
it("puts what begins with it first", () => expect(labels("o")).toEqual(["Overview", "scout", "Routes"]));
it("finds nothing", () => expect(labels("zebra")).toEqual([]));
