/** One read or write of a file that an agent keeps its memory in. */
export interface MemoryAccess {
  /** As the agent named it: absolute, or relative to a folder that is not told. */
  path: string;
  operation: "read" | "write";
  /** Of a read: `from-to`, from 1; absent for the whole file. */
  lines?: string;
  /** Of a write: its lines, `-` before and `+` after; absent where they are not told. */
  diff?: string;
}

/** Each line of a text behind a mark. */
export const markedLines = (mark: "-" | "+", text: string): string[] =>
  text === ""
    ? []
    : text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${mark} ${line}`);
