import { type MemoryAccess, markedLines } from "./access.ts";

/** CLAUDE.md and its kin, rules, and the folders that Claude Code and its sub-agents keep their own notes in. */
const MEMORY_FILE =
  /(?:^|[\\/])(?:CLAUDE(?:\.local)?\.md|AGENTS\.md)$|[\\/]\.claude[\\/](?:rules|projects[\\/][^\\/]+[\\/]memory|agent-memory(?:-local)?)[\\/]/;
const WRITERS = new Set(["Write", "Edit", "MultiEdit"]);

/** A call of one of Claude Code's tools with its input. Undefined where it is about no memory file. */
export function claudeCodeMemory(tool: string, input: unknown): MemoryAccess | undefined {
  if (input === null || typeof input !== "object") return undefined;
  const { file_path: path } = input as Input;
  if (typeof path !== "string" || !MEMORY_FILE.test(path)) return undefined;
  if (tool === "Read") return { path, operation: "read", ...linesOf(input) };
  return WRITERS.has(tool) ? { path, operation: "write", ...diffOf(input as Input) } : undefined;
}

type Input = Record<string, unknown>;

function linesOf({ offset, limit }: { offset?: unknown; limit?: unknown }): Pick<MemoryAccess, "lines"> {
  if (typeof offset !== "number" && typeof limit !== "number") return {};
  const from = typeof offset === "number" ? offset : 1;
  return { lines: typeof limit === "number" ? `${from}-${from + limit - 1}` : `${from}-` };
}

function diffOf({ content, edits, ...edit }: Input): Pick<MemoryAccess, "diff"> {
  if (typeof content === "string") return { diff: replacedLines("", content) };
  const parts = (Array.isArray(edits) ? (edits as Input[]) : [edit]).flatMap(({ old_string: before, new_string: after }) =>
    typeof before === "string" && typeof after === "string" ? [replacedLines(before, after)] : [],
  );
  return parts.length === 0 ? {} : { diff: parts.join("\n") };
}

/** All out, all in. */
const replacedLines = (before: string, after: string): string => [...markedLines("-", before), ...markedLines("+", after)].join("\n");
