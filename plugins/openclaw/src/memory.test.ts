import { expect, it } from "vitest";
import { memoryAccesses } from "./memory.ts";

it.each<[string, unknown, unknown, string[]]>([
  ["read", { path: "MEMORY.md" }, {}, ["read MEMORY.md undefined"]],
  ["read", { path: "/w/memory/2026-11-21.md", offset: 3, limit: 2 }, {}, ["read /w/memory/2026-11-21.md 3-4"]],
  ["read", { path: "src/memory.ts" }, {}, []],
  ["read", { path: "README.md" }, {}, []],
  ["memory_get", { path: "memory/a.md", from: 5 }, {}, ["read memory/a.md 5-"]],
  [
    "memory_search",
    { query: "colour" },
    {
      details: {
        results: [{ path: "memory/a.md", startLine: 1, endLine: 4 }, { path: "memory/a.md", startLine: 9 }, { path: "MEMORY.md" }],
      },
    },
    ["read memory/a.md 1-4", "read MEMORY.md undefined"],
  ],
  [
    "memory_search",
    {},
    { content: [{ type: "text", text: '{"results":[{"path":"MEMORY.md","startLine":2,"endLine":2}]}' }] },
    ["read MEMORY.md 2-2"],
  ],
  ["memory_search", {}, { content: [{ type: "text", text: "not JSON" }] }, []],
  ["exec", { command: "cat MEMORY.md" }, {}, []],
])("%s of %j", (tool, params, result, expected) => {
  expect(memoryAccesses(tool, params, result).map(({ operation, path, lines }) => `${operation} ${path} ${lines}`)).toEqual(expected);
});

it("a write says which lines went out and came in", () => {
  const diff = (tool: string, params: object) => memoryAccesses(tool, params, {}).map((access) => [access.path, access.diff]);
  expect(diff("write", { path: "MEMORY.md", content: "a\nb\n" })).toEqual([["MEMORY.md", "+ a\n+ b"]]);
  expect(diff("edit", { path: "MEMORY.md", edits: [{ oldText: "teal", newText: "green" }] })).toEqual([["MEMORY.md", "- teal\n+ green"]]);
  expect(diff("edit", { file_path: "MEMORY.md", old_string: "teal", new_string: "" })).toEqual([["MEMORY.md", "- teal"]]);
  const input =
    "*** Begin Patch\n*** Update File: memory/a.md\n@@\n same\n-old\n+new\n*** Add File: src/b.ts\n+code\n*** Add File: MEMORY.md\n+x\n*** End Patch";
  expect(diff("apply_patch", { input })).toEqual([
    ["memory/a.md", "- old\n+ new"],
    ["MEMORY.md", "+ x"],
  ]);
});
