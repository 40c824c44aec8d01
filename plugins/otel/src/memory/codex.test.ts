import { describe, expect, it } from "vitest";
import { codexMemory } from "./codex.ts";

const exec = (cmd: string, output?: string) => codexMemory("exec_command", JSON.stringify({ cmd }), output);
const PATCH = "*** Begin Patch\n*** Update File: AGENTS.md\n@@\n-The colour is teal.\n+The colour is green.\n*** End Patch";
const WRITTEN = { path: "AGENTS.md", operation: "write", diff: "- The colour is teal.\n+ The colour is green." };

describe("a shell command", () => {
  it.each([
    ["cat AGENTS.md", { path: "AGENTS.md", operation: "read" }],
    ["cd src && sed -n '3,9p' ../AGENTS.md", { path: "../AGENTS.md", operation: "read", lines: "3-9" }],
    ["head -n 20 '/home/me/AGENTS.override.md' | grep x", { path: "/home/me/AGENTS.override.md", operation: "read", lines: "1-20" }],
    ["cat ~/.codex/memories_v2/memory_summary.md", { path: "~/.codex/memories_v2/memory_summary.md", operation: "read" }],
    ["echo '- likes tea; always' >> AGENTS.md", { path: "AGENTS.md", operation: "write" }],
    ["sed -i 's/teal/green/' AGENTS.md", { path: "AGENTS.md", operation: "write" }],
    ["printf x | tee -a AGENTS.md", { path: "AGENTS.md", operation: "write" }],
    ["cat > AGENTS.md <<'EOF'\n# One\n\n- two; three\nEOF", { path: "AGENTS.md", operation: "write", diff: "+ # One\n+ \n+ - two; three" }],
    [`apply_patch <<'EOF'\n${PATCH}\nEOF`, WRITTEN],
  ])("%j", (command, access) => expect(exec(command)).toEqual([access]));

  it.each(["ls AGENTS.md", "cat README.md", "git add AGENTS.md", "echo AGENTS.md", "cat AGENTS.md.bak", ""])("nothing of %j", (command) => {
    expect(exec(command)).toEqual([]);
  });

  it("that failed did nothing, as Codex says it", () => {
    expect(exec("cat AGENTS.md", "Chunk ID: 1\nProcess exited with code 1\nOutput:\n")).toEqual([]);
    expect(exec("cat AGENTS.md", "Chunk ID: 1\nProcess exited with code 0\nOutput:\n")).toHaveLength(1);
    expect(codexMemory("apply_patch", PATCH, "unsupported call: apply_patch")).toEqual([]);
  });

  it("names its file by the folder that it ran in", () => {
    expect(codexMemory("shell", { command: ["bash", "-lc", "cat AGENTS.md"], workdir: "/home/me" })).toEqual([
      { path: "/home/me/AGENTS.md", operation: "read" },
    ]);
  });
});

it("a patch is known as text and as JSON, with every memory file in it and no other", () => {
  expect(codexMemory("apply_patch", PATCH)).toEqual([WRITTEN]);
  const two = PATCH.replace("*** End", "*** Add File: src/a.ts\n+code\n*** Add File: docs/AGENTS.md\n+more\n*** End");
  expect(codexMemory("apply_patch", JSON.stringify({ input: two }))).toEqual([
    WRITTEN,
    { path: "docs/AGENTS.md", operation: "write", diff: "+ more" },
  ]);
});

it("arguments that are none say nothing", () => {
  for (const given of [undefined, null, 3, "{", "AGENTS.md", [], { cmd: 3, note: "AGENTS.md" }])
    expect(codexMemory("exec_command", given)).toEqual([]);
});

it("takes linear time on what a model may write", () => {
  const before = process.threadCpuUsage();
  for (const piece of ["AGENTS.md <<EOF\n", ">AGENTS.md", "tee -a ", "cat AGENTS.md;", "'AGENTS.md"]) exec(piece.repeat(20_000));
  expect(process.threadCpuUsage(before).user).toBeLessThan(5_000_000);
});
