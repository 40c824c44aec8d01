import { describe, expect, it } from "vitest";
import type { MemoryAccess } from "../api/memory.ts";
import { diffLines, latestByFile, memoryVersions, splitPath } from "./memory.ts";

const access = (span_id: string, operation: "read" | "write", path = "MEMORY.md", owner = "main"): MemoryAccess => ({
  project: "default",
  path,
  owner,
  operation,
  session_id: "s",
  session_agent_name: owner,
  channel: null,
  agent_id: "s",
  agent_name: owner,
  turn_id: null,
  span_id,
  time: "2026-11-21T00:00:00Z",
  lines: null,
  diff: null,
  written_by: null,
});

describe("versions of a file", () => {
  it("a read belongs to the write before it, the oldest ones to none that is known", () => {
    const list = [access("5", "read"), access("4", "write"), access("3", "write"), access("2", "read"), access("1", "read")];
    expect(memoryVersions(list).map(({ write, reads }) => [write?.span_id ?? null, reads.map((read) => read.span_id)])).toEqual([
      ["4", ["5"]],
      ["3", []],
      [null, ["2", "1"]],
    ]);
  });
  it("none where nothing was done to it", () => expect(memoryVersions([])).toEqual([]));
});

it("the latest access of each file: a name in another workspace is another file", () => {
  const list = [access("3", "read"), access("2", "write"), access("1", "read", "MEMORY.md", "other")];
  expect(latestByFile(list).map(({ span_id }) => span_id)).toEqual(["3", "1"]);
});

it.each([
  ["/home/a/notes/today.md", "/home/a/notes/", "today.md"],
  ["C:\\a\\MEMORY.md", "C:\\a\\", "MEMORY.md"],
  ["MEMORY.md", "", "MEMORY.md"],
  ["memory/", "", "memory/"],
])("%s is in %s", (path, folder, name) => expect(splitPath(path)).toEqual({ folder, name }));

it("a diff keeps what follows its marks, and an empty line", () => {
  expect(diffLines("- a\n+ - b\n+ \n…")).toEqual([
    { kind: "removed", text: "a" },
    { kind: "added", text: "- b" },
    { kind: "added", text: "" },
    { kind: "other", text: "…" },
  ]);
});
