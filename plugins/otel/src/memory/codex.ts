import { posix } from "node:path";
import { type MemoryAccess, markedLines } from "./access.ts";

/** AGENTS.md and its override, and the folder of summaries that Codex writes of its own past (`~/.codex/memories_v2`). */
const MEMORY_FILE = /(?:^|\/)(?:AGENTS(?:\.override)?\.md|memory_summary\.md)$|\/\.codex\/memories(?:_v\d+)?\/./;
const ANY_MEMORY_FILE = /AGENTS(?:\.override)?\.md|memory_summary\.md|\.codex\/memories/;
const MAX_ACCESSES = 16;

/**
 * What a call of one of Codex's tools did to its memory files; nothing where its output says that it failed. Codex has no tools for
 * files: it patches them, and reads and writes them by shell commands, of which the plain ones are understood.
 *
 * @param given the call's arguments: JSON text or the object of it, or a patch
 */
export function codexMemory(tool: string, given: unknown, output?: unknown): MemoryAccess[] {
  const text = typeof given === "string" ? given : JSON.stringify(given ?? null);
  if (!ANY_MEMORY_FILE.test(text) || hasFailed(output)) return [];
  const { script, folder } = tool === "apply_patch" ? { script: patchOf(given), folder: "" } : commandOf(given);
  const accesses = script.includes("*** Begin Patch") ? patched(script) : ranIn(script);
  return accesses
    .filter(({ path }) => MEMORY_FILE.test(path))
    .slice(0, MAX_ACCESSES)
    .map((access) => (folder === "" ? access : { ...access, path: posix.resolve(folder, access.path) }));
}

const hasFailed = (output: unknown): boolean =>
  typeof output === "string" &&
  /^(?:Process exited with code|Exit code:) (?!0$)|^(?:unsupported call|apply_patch verification failed)/m.test(output);

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (given: unknown): Fields => {
  if (typeof given === "object" && given !== null) return given as Fields;
  try {
    return Object(JSON.parse(String(given))) as Fields;
  } catch {
    return {};
  }
};

function patchOf(given: unknown): string {
  if (typeof given === "string" && given.includes("*** Begin Patch") && !given.trimStart().startsWith("{")) return given;
  const { input, patch } = fieldsOf(given);
  return String(input ?? patch ?? "");
}

/** `exec_command {cmd}`, `shell_command {command}`, and `shell {command: ["bash", "-lc", …]}` of earlier versions. */
function commandOf(given: unknown): { script: string; folder: string } {
  const { cmd, command, workdir } = fieldsOf(given);
  const script = cmd ?? (Array.isArray(command) ? command.at(-1) : command);
  return {
    script: typeof script === "string" ? script : "",
    folder: typeof workdir === "string" && workdir.startsWith("/") ? workdir : "",
  };
}

/** `*** Update File: <path>` (or Add, Delete) and the lines of its hunks. */
function patched(patch: string): MemoryAccess[] {
  const parts = patch.split(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/m).slice(1);
  return parts.flatMap((path, at): MemoryAccess[] => {
    if (at % 2 === 1) return [];
    const lines = (parts[at + 1] ?? "").split("\n").filter((line) => /^[+-]/.test(line));
    return [{ path: path.trim(), operation: "write", diff: lines.map((line) => `${line[0]} ${line.slice(1)}`).join("\n") }];
  });
}

const HERE_DOCUMENT = /<<-?[ \t]*(['"]?)(\w+)\1[^\n]*\n([\s\S]*?)\n?[ \t]*\2[ \t]*(?:\n|$)/;
const WRITES = /(?:>>?|\btee(?: -a)?)[ \t]*(['"]?)([^\s'"|&;<>]+)\1/g;
const READERS = /^(?:cat|nl|head|tail|less|more|bat|grep|rg|sed -n|awk|wc)\b/;
const WORD = /(['"]?)([^\s'"|&;<>]+)\1/g;

function ranIn(script: string): MemoryAccess[] {
  const here = HERE_DOCUMENT.exec(script);
  const commands = script.replace(HERE_DOCUMENT, "\n").split(/\n|&&|\|\|?|;/);
  return commands.flatMap((untrimmed): MemoryAccess[] => {
    const command = untrimmed.trim();
    const written = [...command.matchAll(WRITES)].map(([, , path = ""]) => path);
    if (written.length > 0) {
      const diff = here === null ? {} : { diff: markedLines("+", here[3] ?? "").join("\n") };
      return written.map((path) => ({ path, operation: "write", ...diff }));
    }
    const files = [...command.matchAll(WORD)].flatMap(([, , word = ""]) => (MEMORY_FILE.test(word) ? [word] : []));
    if (/^sed -i/.test(command)) return files.map((path) => ({ path, operation: "write" }));
    return READERS.test(command) ? files.map((path) => ({ path, operation: "read", ...linesOf(command) })) : [];
  });
}

/** `sed -n '3,9p'` and `head -n 20`. */
function linesOf(command: string): Pick<MemoryAccess, "lines"> {
  const [, from, to] = /^sed -n ['"]?(\d+),(\d+)p/.exec(command) ?? [];
  if (from !== undefined) return { lines: `${from}-${to}` };
  const [, count] = /^head (?:-n ?|-)(\d+)/.exec(command) ?? [];
  return count === undefined ? {} : { lines: `1-${count}` };
}
