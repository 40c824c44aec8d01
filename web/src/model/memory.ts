import type { MemoryAccess, MemoryFile } from "../api/memory.ts";

/** A file as one write left it, and who read it as such before the next. */
export interface MemoryVersion {
  /** null: what it held before the first write that is known of */
  write: MemoryAccess | null;
  /** newest first */
  reads: MemoryAccess[];
}

/** The accesses of one file, newest first, as its versions, newest first. */
export function memoryVersions(accesses: readonly MemoryAccess[]): MemoryVersion[] {
  const versions: MemoryVersion[] = [];
  let reads: MemoryAccess[] = [];
  for (const access of accesses) {
    if (access.operation === "read") reads.push(access);
    else {
      versions.push({ write: access, reads });
      reads = [];
    }
  }
  if (reads.length > 0) versions.push({ write: null, reads });
  return versions;
}

/** The file to show where none is asked for: the one written last, for a write says what changed and why later turns act as they do. */
export function firstShown(files: readonly MemoryFile[]): MemoryFile | undefined {
  const written = files.filter((file) => file.last_write !== null);
  return written.sort((left, right) => Date.parse(right.last_write ?? "") - Date.parse(left.last_write ?? ""))[0] ?? files[0];
}

/** Of each file the latest access, newest first. */
export function latestByFile(accesses: readonly MemoryAccess[]): MemoryAccess[] {
  const latest = new Map<string, MemoryAccess>();
  for (const access of accesses) {
    const key = JSON.stringify([access.project, access.owner, access.path]);
    if (!latest.has(key)) latest.set(key, access);
  }
  return [...latest.values()];
}

/** "/home/a/notes/today.md" -> { folder: "/home/a/notes/", name: "today.md" }; a drive's backslashes count. */
export function splitPath(path: string): { folder: string; name: string } {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  return cut === path.length ? { folder: "", name: path } : { folder: path.slice(0, cut), name: path.slice(cut) };
}

export type DiffLine = { kind: "removed" | "added" | "other"; text: string };

/** Lines of a diff whose marks are `- ` and `+ `, without them. */
export function diffLines(diff: string): DiffLine[] {
  return diff.split("\n").map((line) => {
    const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "other";
    return { kind, text: kind === "other" ? line : line.slice(line[1] === " " ? 2 : 1) };
  });
}
