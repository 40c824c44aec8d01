import { describe, expect, it } from "vitest";
import { claudeCodeMemory } from "./claude-code.ts";

describe("what is a memory file", () => {
  it.each([
    "/home/user/project/CLAUDE.md",
    "/home/user/project/packages/web/CLAUDE.local.md",
    "AGENTS.md",
    "/home/user/.claude/projects/-home-user-project/memory/MEMORY.md",
    "/home/user/project/.claude/rules/style.md",
    "C:\\Users\\me\\project\\CLAUDE.md",
  ])("%s", (path) => expect(claudeCodeMemory("Read", { file_path: path })).toEqual({ path, operation: "read" }));

  it.each(["/home/user/project/README.md", "/home/user/NOTCLAUDE.md", "/home/user/.claude/settings.json", "/home/user/CLAUDE.md.bak"])(
    "not %s",
    (path) => expect(claudeCodeMemory("Read", { file_path: path })).toBeUndefined(),
  );
});

const path = "/p/CLAUDE.md";

it("tells which lines were read", () => {
  expect(claudeCodeMemory("Read", { file_path: path, offset: 11, limit: 20 })?.lines).toBe("11-30");
  expect(claudeCodeMemory("Read", { file_path: path, limit: 5 })?.lines).toBe("1-5");
  expect(claudeCodeMemory("Read", { file_path: path, offset: 7 })?.lines).toBe("7-");
});

it("tells what was written", () => {
  expect(claudeCodeMemory("Edit", { file_path: path, old_string: "a\nb", new_string: "c" })).toEqual({
    path,
    operation: "write",
    diff: "- a\n- b\n+ c",
  });
  expect(claudeCodeMemory("Write", { file_path: path, content: "one\ntwo\n" })?.diff).toBe("+ one\n+ two");
  const edits = [
    { old_string: "a", new_string: "b" },
    { old_string: "c", new_string: "" },
  ];
  expect(claudeCodeMemory("MultiEdit", { file_path: path, edits })?.diff).toBe("- a\n+ b\n- c");
});

it("tells nothing of another tool, and of input that is none", () => {
  expect(claudeCodeMemory("Bash", { command: `cat ${path}` })).toBeUndefined();
  expect(claudeCodeMemory("Grep", { file_path: path })).toBeUndefined();
  expect(claudeCodeMemory("Read", "no object")).toBeUndefined();
  expect(claudeCodeMemory("Read", null)).toBeUndefined();
});
