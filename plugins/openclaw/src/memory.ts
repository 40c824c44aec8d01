import { type HostObject, number, object, text } from "./host-values.ts";

/** One read or write of a file that OpenClaw keeps its memory in: `MEMORY.md`, and what is under `memory/`. */
export interface MemoryAccess {
  /** As the tool was given it: relative to the agent's workspace, or absolute. */
  path: string;
  operation: "read" | "write";
  /** Of a read: `from-to`, from 1; undefined for the whole file. */
  lines: string | undefined;
  /** Of a write: its lines, `-` before and `+` after. */
  diff: string | undefined;
}

const MEMORY_FILE = /(?:^|[\\/])(?:MEMORY\.md|memory[\\/].+\.md)$/i;
const MAX_ACCESSES = 16;
const MAX_RESULT_LENGTH = 262_144;

/** What a tool call that succeeded did to memory files. A search read what it found. Shell commands are not understood. */
export function memoryAccesses(tool: string, params: unknown, result: unknown): MemoryAccess[] {
  return (ACCESSES[tool]?.(object(params), result) ?? []).filter(({ path }) => MEMORY_FILE.test(path)).slice(0, MAX_ACCESSES);
}

const ACCESSES: Readonly<Record<string, (params: HostObject, result: unknown) => MemoryAccess[]>> = {
  memory_search: (_, result) => found(result),
  memory_get: (params) => read(params, number(params.from), number(params.lines)),
  read: (params) => read(params, number(params.offset), number(params.limit)),
  write: (params) => write(params, marked("+", text(params.content) ?? "")),
  edit: (params) => write(params, (Array.isArray(params.edits) ? params.edits : [params]).map((edit) => replaced(object(edit))).join("\n")),
  apply_patch: (params) => patched(text(params.input) ?? text(params.patch) ?? ""),
};

const pathOf = (params: HostObject) => text(params.path) ?? text(params.file_path) ?? text(params.filePath);

function read(params: HostObject, from: number | undefined, count: number | undefined): MemoryAccess[] {
  const path = pathOf(params);
  if (path === undefined) return [];
  const start = from ?? 1;
  const lines = from === undefined && count === undefined ? undefined : `${start}-${count === undefined ? "" : start + count - 1}`;
  return [{ path, operation: "read", lines, diff: undefined }];
}

function write(params: HostObject, diff: string): MemoryAccess[] {
  const path = pathOf(params);
  return path === undefined ? [] : [{ path, operation: "write", lines: undefined, diff }];
}

const replaced = (edit: HostObject): string =>
  [marked("-", text(edit.oldText) ?? text(edit.old_string) ?? ""), marked("+", text(edit.newText) ?? text(edit.new_string) ?? "")]
    .filter((part) => part !== "")
    .join("\n");

const marked = (mark: string, lines: string): string =>
  lines === ""
    ? ""
    : lines
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${mark} ${line}`)
        .join("\n");

/** `{"results":[{"path","startLine","endLine"}]}`, as details or as text; each file once. */
function found(result: unknown): MemoryAccess[] {
  const read = object(result);
  const { results } = Array.isArray(object(read.details).results) ? object(read.details) : object(parsed(read.content));
  const byPath = new Map<string, MemoryAccess>();
  for (const one of Array.isArray(results) ? results.map(object) : []) {
    const path = text(one.path);
    const start = number(one.startLine);
    const end = number(one.endLine);
    if (path === undefined || byPath.has(path)) continue;
    byPath.set(path, { path, operation: "read", lines: start === undefined ? undefined : `${start}-${end ?? ""}`, diff: undefined });
  }
  return [...byPath.values()];
}

function parsed(content: unknown): unknown {
  const body = Array.isArray(content) ? text(object(content[0]).text) : undefined;
  if (body === undefined || body.length > MAX_RESULT_LENGTH) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `*** Update File: <path>` (or Add, Delete) and the lines of its hunks. */
function patched(patch: string): MemoryAccess[] {
  const parts = patch.split(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/m).slice(1);
  const accesses: MemoryAccess[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const lines = (parts[at + 1] ?? "").split("\n").filter((line) => /^[+-]/.test(line));
    const diff = lines.map((line) => `${line[0]} ${line.slice(1)}`).join("\n");
    accesses.push({ path: (parts[at] ?? "").trim(), operation: "write", lines: undefined, diff });
  }
  return accesses;
}
